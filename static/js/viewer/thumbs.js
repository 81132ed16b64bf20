// The column of thumbs: one button an image, with its label, the number of its marks, and whether it was seen.

function make(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

/** Return a button with a picture and a label. */
export function thumb(image, go) {
  const button = make("button", "thumbs__one");
  button.type = "button";
  const picture = document.createElement("img");
  picture.src = image.preview;
  picture.alt = "";
  picture.decoding = "async";
  const label = document.createElement("span");
  label.textContent = image.label;
  button.append(picture, label, make("span", "thumbs__boxes"));
  button.addEventListener("click", go);
  return button;
}

/** Fill the column; `go` is called with an image. Returns a function that marks what is shown and what was drawn. */
export function fillThumbs(column, images, go) {
  const buttons = images.map((image) => thumb(image, () => go(image)));
  column?.replaceChildren(...buttons);
  return (arrangement, marks) => {
    for (const [index, button] of buttons.entries()) {
      const image = images[index];
      const isShown = arrangement.panes.some((pane) => pane.image === image);
      button.setAttribute("aria-current", String(arrangement.active?.image === image));
      button.classList.toggle("is-shown", isShown);
      const count = marks.of(image.id).length;
      button.querySelector(".thumbs__boxes").textContent = count ? ` ■ ${count}` : "";
    }
  };
}
