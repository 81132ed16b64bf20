// The column of thumbs: one button an image, with its label and the number of its boxes.

/** Fill the column; `go` is called with an image's index. Returns a function that marks the current one. */
export function fillThumbs(column, images, go) {
  const buttons = images.map((image, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "thumbs__one";
    const picture = document.createElement("img");
    picture.src = image.preview;
    picture.alt = "";
    picture.decoding = "async";
    const label = document.createElement("span");
    label.textContent = image.label;
    const count = document.createElement("span");
    count.className = "thumbs__boxes";
    button.append(picture, label, count);
    button.addEventListener("click", () => go(index));
    return button;
  });
  column?.replaceChildren(...buttons);
  return (current, boxes) => {
    for (const [index, button] of buttons.entries()) {
      button.setAttribute("aria-current", index === current ? "true" : "false");
      const count = boxes.of(images[index].id).length;
      button.querySelector(".thumbs__boxes").textContent = count ? ` ■ ${count}` : "";
    }
  };
}
