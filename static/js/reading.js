// The entry of the reading page: the viewer beside the reading form. Loaded on that page only.
//
// THE CONTRACT between the page and these modules. A page extends templates/components/reading_layout.html, which
// gives the grid and everything marked (layout); the rest is the page's.
//
// 1. Data: {{ reading_data|json_script:"reading-data" }}: { "study", "can_read", "images": [...], "priors", "hanging" };
//    what each image has is said in static/js/viewer. In blind_first before the blind reading every "map" is null: what is
//    not sent cannot be seen.
// 2. Elements (layout): #viewer, #thumbs, the tool bar, the dialog #legend, the words of #reading-words, the row of
//    <template id="finding-row">, <script id="reading-keys"> (the person's table of keys, studies/keys.py), #page-data.
// 3. The form, where the person may read:  <form id="reading-form" method="post" action="...">
//      data-in-place       it is sent with X-In-Place and answered with the page of what comes next (reading/page.js)
//      data-draft-url      every change is posted there within a second (reading/draft.js)
//      data-sentence-url   answers with the report sentence
//      data-blind          a verdict key or a click on a verdict locks the blind answer at once
//    and its fields: verdict, not_assessable_reason, confidence, image-<id> (radio or select); other_findings, advice (many
//    checkboxes), has_cast_or_hardware, is_critical; note; hidden: revision, opened_at, findings, unlocated, measurements
//    (kept by the viewer and the list), shown (ids at full depth), agreed_with_model, draft_version, purpose.
//      <div data-when="fracture"> ... </div>        shown while that verdict is chosen
//      <details data-part="note"> ... data-count    a part that is closed until it is wanted, and how much of it is set
//      <ul id="finding-list">                       the fractures, drawn and named (reading/findings.js)
//      <button type="submit" data-sign>             says what signing waits for; [data-sign-words] is its label
//    Without the scripts it is a plain form. A refusal arrives in #notices and leaves every field as it is.
// 4. State for tests and styles: #viewer data-ready, data-keys="on" (heard), data-upcoming (study that was fetched ahead);
//    #reading-form data-draft="saved|failed|refused|overtaken"; window.bonefrac = { viewer, page, keyboard };
//    performance measure "bonefrac:sign-to-pixels", from the sign key to the next picture at full depth.
// 5. Keys: the table of studies/keys.py and nothing else. Letters typed into a field are text, a dialog has the keyboard
//    to itself, and no key is heard for 400 ms after a study appears. Nothing ever mirrors an image by itself.

import "../css/reading.css";
import { bindLookAgain } from "./reading/again.js";
import { Keyboard } from "./reading/keys.js";
import { bindMachine } from "./reading/machine.js";
import { ReadingPage } from "./reading/page.js";
import { bindQuickBox } from "./reading/quickbox.js";
import { openViewer } from "./viewer/index.js";

const element = document.getElementById("viewer");
const source = document.getElementById("reading-data");
if (element && source) {
  const viewer = openViewer(element, JSON.parse(source.textContent), document.getElementById("reading-form"));
  const keyboard = new Keyboard();
  const page = new ReadingPage(viewer, keyboard);
  keyboard.bind(page);
  bindLookAgain();
  bindMachine(viewer);
  bindQuickBox(viewer);
  window.bonefrac = { viewer, page, keyboard };
}
