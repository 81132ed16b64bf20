// When a key press belongs to a field and not to the page.

const OWN_KEYS = new Set(["checkbox", "radio", "button", "submit", "reset", "range", "file", "color"]);

/** Return whether letters typed at this element are text (fields, selects, editable elements). */
export function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.isContentEditable || target.closest("textarea, select")) return true;
  const input = target.closest("input");
  return Boolean(input) && !OWN_KEYS.has(input.type);
}

/** Return whether Space or Enter at this element already means something (a button, a link, a dialog). */
export function isPressable(target) {
  return target instanceof Element && Boolean(target.closest("button, a[href], summary, input, dialog"));
}
