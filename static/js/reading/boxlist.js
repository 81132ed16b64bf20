// The list of boxes in the form: go to one, say how sure, delete it. Words come from the viewer's template.

function selectOf(words, index, box, viewer) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", `${words.confidence} ${index + 1}`);
  const options = [["", words.unsaid], ["definite", words.definite], ["probable", words.probable], ["possible", words.possible]];
  select.append(...options.map(([value, text]) => new Option(text, value, false, value === (box.confidence ?? ""))));
  select.addEventListener("change", (event) => {
    event.stopPropagation();
    viewer.boxes.setConfidence(index, select.value);
  });
  return select;
}

function button(className, text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}

function rowOf(words, index, box, viewer) {
  const row = document.createElement("li");
  row.className = index === viewer.boxes.chosen ? "box-list__one is-chosen" : "box-list__one";
  const image = viewer.images.find((one) => String(one.id) === String(box.image));
  const go = button("button button--small box-list__go", `${words.box} ${index + 1} · ${image?.label ?? ""}`, () => viewer.goToBox(index));
  row.append(go, selectOf(words, index, box, viewer));
  row.append(button("button button--small button--quiet", words.delete, () => viewer.boxes.remove(index)));
  return row;
}

/** Keep a list element in step with the boxes. */
export function listBoxes(list, viewer) {
  if (!list) return;
  const fill = () => {
    // Rebuilding a list takes the focus away from the select that is just being used.
    const focused = [...list.querySelectorAll("select, button")].indexOf(document.activeElement);
    const rows = viewer.boxes.all.map((box, index) => rowOf(viewer.words, index, box, viewer));
    if (!rows.length) {
      const none = document.createElement("li");
      none.className = "box-list__none";
      none.textContent = viewer.words.none;
      rows.push(none);
    }
    list.replaceChildren(...rows);
    if (focused >= 0) list.querySelectorAll("select, button")[focused]?.focus({ preventScroll: true });
  };
  viewer.boxes.listen(fill);
  fill();
}
