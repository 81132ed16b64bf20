// The entry of the reading page: the viewer beside the reading form. Loaded on that page only.
//
// THE CONTRACT between the page and these modules. A page extends templates/components/reading_layout.html, which
// gives the grid and everything marked (layout); the rest is the page's.
//
// 1. Data:  {{ reading_data|json_script:"reading-data" }}, that is
//    { "images": [ { "id", "position", "label" ("AP left"),
//                    "dicom":   address of the DICOM instance (same origin, the session's cookie),
//                    "preview": address of a small PNG of the same picture, upright, larger = brighter,
//                    "rows", "columns": of the radiograph in pixels,
//                    "map": null | { "url": PNG, grey, any size, "content_box": [x0, y0, x1, y1] fractions of the map that
//                                    cover the radiograph, "regions": [[x0, y0, x1, y1], ...] fractions of the radiograph,
//                                    "name": what the map may be called, "state", "sentence", "model_version", "score" },
//                    "findings": optional, boxes to show at once, as in 3 } ],
//      "can_read": true | false (false: no boxes can be drawn),
//      "study": id }
//    In blind_first before the blind reading every "map" is null: what is not sent cannot be seen.
// 2. Elements (layout): #viewer, #thumbs, the tool bar, the status line, the legend dialog #legend.
//    Priors and anything else for the left column: block "thumbs_more".
// 3. The form, where the person may read:  <form id="reading-form" method="post" action="..."> with
//      <input type="hidden" name="findings">   the boxes as JSON, kept by the viewer. A value that is there at the start is
//                                               shown (a draft, a form that came back):
//        [{"image": id, "x", "y", "width", "height" (pixels of the radiograph, floats, 0,0 = its upper left corner),
//          "confidence": "definite" | "probable" | "possible" | null}]
//      <input type="hidden" name="revision">   the study's revision; the server answers 409 where it is stale
//      <input type="radio" name="verdict" value="fracture|no_fracture|not_assessable">    nothing checked; keys f, n, u
//      <input type="radio" name="confidence" value="definite|probable|possible">          keys 1, 2, 3
//      <input type="radio" name="image-<id>" value="fracture_visible|no_fracture|not_visible_here|not_assessable">
//                                               a drawn box checks fracture_visible of its image
//      <div data-when="fracture"> ... </div>   shown while that verdict is chosen (several: data-when="fracture not_assessable")
//      <button type="submit" data-sign>        in the sign bar; enabled once a verdict is chosen. Enter anywhere outside text
//                                               signs; keys are deaf for 400 ms after the page came, so that a held Enter of
//                                               the study before cannot sign this one.
//      <ul id="box-list"></ul>                 optional; the viewer lists the boxes here (go to, confidence, delete)
//    Posting it plainly works. With hx-post the answer must carry HX-Redirect on success; a refusal (409, 400) arrives in
//    #notices and leaves every field as it is.
//    Draft: data-draft-url on the form is posted the form's fields (background) 1.5 s after the last change.
// 4. State for tests and styles, on #viewer: data-ready="loading|preview|full|failed", data-keys="on" (heard), data-image (id), data-ww, data-wc,
//    data-zoom (percent: screen pixels a radiograph pixel), data-rotation, data-inverted, data-mode, data-map="on|off",
//    data-boxes (count on this image). window.bonefrac.viewer has toScreen(x, y) and toImage(x, y) for the current image.
// 5. Keys: f n u verdict · 1 2 3 confidence · Enter sign · b box · w window · z zoom · p pan · m map · i invert · r rotate ·
//    space reset · = fit · + - zoom · up down (or j k) image · Backspace deletes the chosen box · Escape lets go · ? legend.
//    Nothing ever mirrors an image.

import "../css/reading.css";
import { bindLookAgain } from "./reading/again.js";
import { bindForm } from "./reading/form.js";
import { bindKeys } from "./reading/keys.js";
import { openViewer } from "./viewer/index.js";

const element = document.getElementById("viewer");
const source = document.getElementById("reading-data");
if (element && source) {
  const form = document.getElementById("reading-form");
  const viewer = openViewer(element, JSON.parse(source.textContent), form);
  const reading = bindForm(form, viewer);
  bindKeys(viewer, reading);
  bindLookAgain(form);
  window.bonefrac = { viewer, reading };
}
