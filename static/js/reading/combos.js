// A key press as the table of keys writes it: "f", "Ctrl+z", "Shift+b", "ArrowUp", "Space", "?".

const BARE = new Set(["Control", "Shift", "Alt", "AltGraph", "Meta", "CapsLock", "Dead", "Process", "Unidentified"]);

function nameOf({ key, code }) {
  if (key === " ") return "Space";
  if (key.length > 1) return key;
  // A keyboard of other letters (Greek, Cyrillic) has no "f": the key at its place stands for it.
  if (/\p{L}/u.test(key) && !/[a-z]/i.test(key) && /^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  return key.toLowerCase();
}

/** Return the name of a key press with its modifiers; null for a modifier alone. */
export function comboOf(event) {
  if (!event.key || BARE.has(event.key) || event.isComposing) return null;
  const name = nameOf(event);
  // AltGr is how some keyboards type a sign; it is no modifier then, and Shift is part of typing any sign.
  const typesSign = name.length === 1 && !/\p{L}/u.test(name);
  const isAltGraph = typesSign && event.getModifierState?.("AltGraph");
  const held = [
    (event.ctrlKey || event.metaKey) && !isAltGraph ? "Ctrl" : "",
    event.altKey && !isAltGraph ? "Alt" : "",
    event.shiftKey && !typesSign ? "Shift" : "",
  ];
  return [...held.filter(Boolean), name].join("+");
}
