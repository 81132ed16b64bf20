// Undo and redo: what the study's marks, measurements and views were, step by step.
//
// A step is kept after each thing done. Steps of the same kind that follow each other quickly are one: a turn of the
// wheel is not thirty steps.

const ONE_STEP_MS = 700;
const AT_MOST = 200;

/** The steps of one study. `take` returns the present state as text, `put` brings one back. */
export class Past {
  #take;
  #put;
  #steps = [];
  #at = 0;
  #last = { kind: "", when: 0 };

  constructor(take, put) {
    this.#take = take;
    this.#put = put;
  }

  /** Forget everything and begin at the present. */
  begin() {
    this.#steps = [this.#take()];
    this.#at = 0;
    this.#last = { kind: "", when: 0 };
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#steps.length - 1;
  }

  /** Keep the present as a step, unless nothing has changed. */
  keep(kind = "") {
    const now = this.#take();
    if (now === this.#steps[this.#at]) return;
    const when = performance.now();
    const isSame = kind && kind === this.#last.kind && when - this.#last.when < ONE_STEP_MS && this.#at > 0;
    this.#steps.length = this.#at + 1;
    if (isSame) this.#steps[this.#at] = now;
    else this.#steps.push(now);
    if (this.#steps.length > AT_MOST) this.#steps.shift();
    this.#at = this.#steps.length - 1;
    this.#last = { kind, when };
  }

  /** Let the present replace the latest step: something came of itself that nobody would undo. */
  settle() {
    this.#steps[this.#at] = this.#take();
  }

  undo() {
    return this.#move(-1);
  }

  redo() {
    return this.#move(1);
  }

  #move(by) {
    const step = this.#steps[this.#at + by];
    if (step === undefined) return false;
    this.#at += by;
    this.#last = { kind: "", when: 0 };
    this.#put(step);
    return true;
  }
}
