// Copies the sentence for the report: written by the server from what stands in the form.

import { notify } from "../page/live.js";
import { headers } from "./asking.js";
import { murmur, words } from "./words.js";

async function written(form) {
  const answer = await fetch(form.dataset.sentenceUrl, {
    method: "POST",
    body: new FormData(form),
    credentials: "same-origin",
    headers: headers({ Accept: "application/json" }),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.message ?? said.sentence ?? words("serverFailed"));
  return said.sentence;
}

function show(form, sentence, isCopied) {
  const place = form.querySelector("[data-report-sentence]");
  const state = form.querySelector("[data-report-state]");
  if (place) place.textContent = sentence;
  if (state) state.textContent = isCopied ? words("copied") : words("copyYourself");
}

/** Copy the report sentence of a form; false where there is none. */
export function copySentence(form) {
  if (!form?.dataset.sentenceUrl) return false;
  written(form).then(
    async (sentence) => {
      let isCopied = true;
      try {
        await navigator.clipboard.writeText(sentence);
      } catch {
        isCopied = false; // the clipboard may be forbidden: the sentence stands there to be copied by hand
      }
      show(form, sentence, isCopied);
      murmur(isCopied ? words("copied") : sentence);
    },
    (error) => notify(error instanceof TypeError ? words("networkFailed") : error.message, "warn"),
  );
  return true;
}
