// Shift and drag draws a box whatever dragging does, and leaves the tool as it was: fracture, box, sign are three actions.

/** Bind the pictures of a viewer. */
export function bindQuickBox(viewer) {
  document.getElementById("viewer").addEventListener(
    "pointerdown",
    (event) => {
      const { mode } = viewer;
      if (!event.shiftKey || event.button !== 0 || !viewer.canDraw || mode === "box") return;
      if (!event.target.closest(".stage")) return;
      viewer.mode = "box";
      const back = () => setTimeout(() => viewer.mode === "box" && (viewer.mode = mode));
      addEventListener("pointerup", back, { once: true });
      addEventListener("pointercancel", back, { once: true });
    },
    true,
  );
}
