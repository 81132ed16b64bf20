// What each action of the table of keys does. The picture's are the viewer's own; the rest are here.

import { copySentence } from "./sentence.js";

const ALIASES = { nextSeries: "nextImage", previousSeries: "previousImage" };
const CONFIDENCES = ["definite", "probable", "possible"];

function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog) return false;
  dialog.showModal();
  return true;
}

function submit(id) {
  const form = document.getElementById(id);
  form?.requestSubmit();
  return Boolean(form);
}

function click(selector) {
  const button = document.querySelector(selector);
  button?.click();
  return Boolean(button);
}

function claim(page) {
  const lost = document.getElementById("claim-lost");
  if (lost && !lost.hidden) return page.claim.again();
  return !page.form && submit("claim");
}

/** Return the actions by name; each returns true where it did something. */
export function actionsOf(page) {
  const part = (name) => () => page.form?.open(name) ?? false;
  return {
    fracture: () => page.judge("fracture"),
    noFracture: () => page.judge("no_fracture"),
    notAssessable: () => page.judge("not_assessable"),
    ...Object.fromEntries(CONFIDENCES.map((name) => [name, () => page.form?.choose("confidence", name) ?? false])),
    cast: () => page.form?.toggle("has_cast_or_hardware") ?? false,
    critical: () => page.form?.toggle("is_critical") ?? false,
    otherFindings: part("other_findings"),
    perImage: part("per_image"),
    advice: part("advice"),
    note: part("note"),
    sign: () => page.sign() || claim(page),
    agree: () => page.agree(),
    undoSigning: () => page.undoSigning(),
    nextUnseen: () => page.goUnseen(),
    claimAgain: () => claim(page),
    lookAgain: () => click("[data-looks-again]"),
    problem: () => open("problem"),
    skip: () => open("skip"),
    handBack: () => submit("hand-back"),
    sentence: () => copySentence(page.form?.element),
    describe: () => page.findings?.describe() ?? false,
    unlocated: () => page.findings?.add() ?? false,
    legend: () => open("legend"),
  };
}

/** Do an action; true where it did something. */
export function act(page, actions, name) {
  if (name in actions) return actions[name]();
  return Boolean(page.viewer.act(ALIASES[name] ?? name));
}
