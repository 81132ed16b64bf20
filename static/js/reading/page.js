// The reading page as a whole: form, draft, claim, signing in place, and the next study in the place of this one.
//
// The document and the viewer's engine stay while studies come and go; everything that belongs to one study is bound by
// bind() and let go by #release().

import { htmx, notify } from "../page/live.js";
import { headers, send } from "./asking.js";
import { Claim } from "./claim.js";
import { Draft } from "./draft.js";
import { Findings } from "./findings.js";
import { ReadingForm } from "./form.js";
import { prefetchUpcoming } from "./upcoming.js";
import { copySentence } from "./sentence.js";
import { parse, swap } from "./swap.js";
import { bindUndo } from "./undo.js";
import { focusPicture, murmur, words } from "./words.js";

const POINTER_MS = 700; // a click so soon after a pointer went down is the pointer's

/** One reading page; `keyboard` is told when it has to be deaf for a moment. */
export class ReadingPage {
  #marks = null;
  #letGo = [];
  #pointerAt = -POINTER_MS;

  constructor(viewer, keyboard) {
    this.viewer = viewer;
    this.keyboard = keyboard;
    document.addEventListener("pointerdown", () => (this.#pointerAt = performance.now()), true);
    document.addEventListener("click", (event) => this.#onClick(event));
    document.getElementById("viewer").addEventListener("bonefrac:shown", () => this.#onShown());
    addEventListener("popstate", () => location.reload());
    // Coming back by the browser's own history shows the page as it was left: not sending any more.
    addEventListener("pageshow", () => this.form?.sent(false));
    // The undo of a signature is sent in place too, and so is the passing over of a study.
    document.addEventListener("submit", (event) => {
      const does = { "undo-signing": () => this.undoSigning(), "skip-form": () => this.#skip(event.target) }[event.target.id];
      if (!does) return;
      event.preventDefault();
      does();
    });
    this.bind();
    // The picture has the keyboard from the start, where somebody is going to read.
    if (this.form && document.activeElement === document.body) this.#focusPicture();
  }

  get isPointer() {
    return performance.now() - this.#pointerAt < POINTER_MS;
  }

  /** Bind everything that belongs to the study which is shown now. */
  bind() {
    const { viewer } = this;
    const element = document.getElementById("reading-form");
    this.form = element ? new ReadingForm(element, viewer) : null;
    this.findings = this.form ? new Findings(this.form, viewer) : null;
    this.draft = element?.dataset.draftUrl ? new Draft(element) : null;
    this.claim = new Claim(() => this.draft?.resume());
    this.#letGo = [bindUndo(), prefetchUpcoming(viewer)];
    this.#listen();
    if (element) this.#bindForm(element);
    this.#onShown();
  }

  #listen() {
    if (this.#marks === this.viewer.marks) return;
    this.#marks = this.viewer.marks;
    this.#marks.listen((change) => {
      this.findings?.follow();
      // A box says where; the verdict itself is always said by the person.
      if (change?.drawn) this.form?.choose(`image-${change.drawn.image}`, "fracture_visible");
    });
  }

  #bindForm(element) {
    element.addEventListener("submit", (event) => this.#onSubmit(event));
    element.addEventListener("htmx:afterRequest", () => this.form.sent(false));
    element.addEventListener("change", (event) => this.#onChange(event));
  }

  #onChange(event) {
    if (event.target.name === "verdict") {
      this.form.set("agreed_with_model", "");
      if (this.form.isBlind && this.isPointer) this.#lock();
    }
    if (event.target.name === "not_assessable_reason" && this.form.isBlind && this.isPointer) this.#lock();
  }

  #onShown() {
    const field = this.form?.element.elements.shown;
    if (field) field.value = JSON.stringify(this.viewer.shownAtFullDepth());
    this.form?.refresh();
  }

  // After a click the keys belong to the picture again, so that arrows move images and not radio buttons.
  #onClick(event) {
    const { target } = event;
    if (target.closest("[data-agree]")) this.agree();
    if (target.closest("[data-copy-sentence]")) copySentence(this.form?.element);
    if (target.closest("[data-discards]")) this.#discard(target.closest("[data-discards]"));
    if (target.closest("[data-closes-dialog]")) target.closest("dialog").close();
    if (target.closest("[data-claims-again]")) this.claim.again();
    if (target.closest("[data-adds-finding]")) this.findings?.add();
    if (target.closest(".panel__grip")) this.#pull(target.closest(".panel__grip"));
    const isControl = target.closest(".panel, .thumbs, .tools")?.contains(target);
    const keeps = target.closest("select, textarea, dialog, a[href], input:not([type=radio], [type=checkbox])");
    if (isControl && !keeps && this.isPointer && event.detail && !this.#opens(target)) this.#focusPicture();
  }

  #opens(target) {
    return Boolean(target.closest("[data-adds-finding], [data-opens], .finding__go"));
  }

  #focusPicture() {
    focusPicture(this.viewer);
  }

  #pull(grip) {
    const isUp = grip.closest(".panel").classList.toggle("is-pulled-up");
    grip.setAttribute("aria-expanded", String(isUp));
  }

  /**
   * Choose a verdict; where the site reads blind first that is the blind answer, and it is locked at once.
   * "Not assessable" chosen once more goes through the reasons; the blind answer then waits for the sign key.
   */
  judge(verdict) {
    const isAgain = this.form?.verdict === verdict;
    if (!this.form?.choose("verdict", verdict)) return false;
    if (verdict === "not_assessable") return isAgain ? this.form.cycle("not_assessable_reason") : true;
    if (this.form.isBlind) this.#lock();
    return true;
  }

  #lock() {
    const { form } = this;
    if (form.verdict === "not_assessable" && !form.value("not_assessable_reason")) return;
    if (form.unseen.length) this.#sayWaiting();
    else this.sign();
  }

  /** Take the machine's word and sign; only where the server offers it. */
  agree() {
    const offered = this.form?.element.querySelector("[data-agree]");
    if (!offered || !this.form.choose("verdict", offered.dataset.agree)) return false;
    this.form.set("agreed_with_model", "1");
    this.sign();
    return true;
  }

  /** Sign, where there is a verdict, every image was shown, and nothing is under way. */
  sign() {
    const { form } = this;
    if (!form) return false;
    if (form.verdict && form.unseen.length) this.#sayWaiting();
    else if (form.maySign && form.button && !this.keyboard.isDeaf) form.element.requestSubmit(form.button);
    return true;
  }

  #sayWaiting() {
    murmur(this.form.label?.textContent ?? "");
    this.form.button?.classList.add("is-asked");
  }

  /** Go to the next image that was not shown at full depth yet; true where there is one. */
  goUnseen() {
    const [id] = this.form?.unseen ?? [];
    if (!id) return false;
    this.viewer.go(this.viewer.images.findIndex((image) => String(image.id) === id));
    return true;
  }

  #onSubmit(event) {
    const { form } = this;
    if (event.submitter && event.submitter !== form.button) return;
    if (form.verdict && form.unseen.length) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.goUnseen();
      return;
    }
    if (!form.maySign || this.keyboard.isDeaf) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.sent(true);
    if (!form.signsInPlace) return;
    event.preventDefault();
    this.#send(form.element.action, form.element);
  }

  /** Send a form and put what comes next into the page's place. */
  async #send(address, element) {
    performance.clearMarks("bonefrac:asked");
    performance.mark("bonefrac:asked");
    const { form, draft } = this;
    await draft?.pause();
    const done = await send(address, new FormData(element));
    if (done) {
      await this.#take(done);
    } else {
      form?.sent(false);
      draft?.resume();
      this.#sayOnce();
    }
  }

  // What ended the claim or changed the study has a place of its own, with the way on: it is said there, and once.
  #sayOnce() {
    const area = document.getElementById("notices");
    const refusal = area.querySelector("[data-code]");
    if (refusal?.dataset.code === "not_held") {
      this.claim.lost(refusal.textContent.trim());
      area.replaceChildren();
    }
    const news = document.getElementById("news");
    if (refusal?.dataset.code !== "stale" || !news) return;
    const told = ({ detail: { elt } }) => {
      if (elt.id !== "news") return;
      document.removeEventListener("htmx:load", told);
      if (elt.querySelector(".notice") && area.contains(refusal)) area.replaceChildren();
    };
    document.addEventListener("htmx:load", told);
    htmx.trigger(news, "looked-for");
  }

  /** Take the last signature back; true where that is offered. */
  undoSigning() {
    const bar = document.getElementById("undo-signing");
    if (!bar || bar.classList.contains("is-over")) return false;
    this.#undo(bar);
    return true;
  }

  async #undo(bar) {
    await this.draft?.pause();
    const done = await send(bar.action, new FormData(bar));
    if (done) await this.#take(done);
    else this.draft?.resume();
  }

  // What was typed stays as a draft; a refusal is told where the page says such things, over which no dialog lies.
  async #skip(form) {
    form.closest("dialog").close();
    this.form?.sent(true); // a second Enter finds no dialog any more, and must not sign what is passed over
    await this.draft?.settle();
    const done = await send(form.action, new FormData(form));
    if (done) return this.#take(done);
    this.form?.sent(false);
    return this.draft?.resume();
  }

  // The draft is thrown away on the server first; then the page comes as if nothing had been typed.
  async #discard(button) {
    await this.draft?.pause();
    const body = new FormData(this.form.element);
    const asked = { method: "POST", body, credentials: "same-origin", headers: headers({ Accept: "application/json" }) };
    const answer = await fetch(button.dataset.discards, asked).catch(() => null);
    if (answer?.ok) {
      this.draft?.close();
      location.reload();
      return;
    }
    this.draft?.resume();
    const said = await answer?.json().catch(() => null);
    notify(said?.message ?? words(answer ? "serverFailed" : "networkFailed"));
  }

  async #take({ address, html }) {
    const incoming = html ? parse(html) : null;
    if (!incoming) {
      this.draft?.close();
      location.assign(address);
      return;
    }
    const isSame = incoming.getElementById("page-data").dataset.study === document.getElementById("page-data").dataset.study;
    const open = isSame ? this.form?.opened : null;
    this.#release();
    this.keyboard.deafen();
    swap(incoming);
    const element = document.getElementById("reading-form");
    await this.viewer.load(JSON.parse(document.getElementById("reading-data").textContent), element);
    this.bind();
    this.form?.reopen(open ?? []);
    const path = new URL(address, location.href);
    if (path.href === location.href) history.replaceState({}, "", path);
    else history.pushState({}, "", path);
    this.#focusPicture();
    murmur(words(isSame ? "sameStudy" : "nextStudy", { title: document.querySelector(".patient")?.textContent ?? "" }));
    this.#measure();
  }

  #release() {
    this.draft?.close();
    this.claim.close();
    for (const stop of this.#letGo) stop();
  }

  // From the key to the next picture at full depth, for the benches and for whoever looks.
  #measure() {
    const element = document.getElementById("viewer");
    const done = () => {
      if (element.dataset.ready !== "full") return false;
      requestAnimationFrame(() => {
        performance.mark("bonefrac:shown");
        performance.measure("bonefrac:sign-to-pixels", "bonefrac:asked", "bonefrac:shown");
      });
      return true;
    };
    if (!performance.getEntriesByName("bonefrac:asked").length || done()) return;
    const watcher = new MutationObserver(() => done() && watcher.disconnect());
    watcher.observe(element, { attributes: true, attributeFilter: ["data-ready"] });
  }

  /** Say a sentence in the notice area. */
  say(sentence, kind) {
    notify(sentence, kind);
  }
}
