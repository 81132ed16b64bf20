// The way to Cornerstone: a promise, so that previews stand and instances are on their way while it is being read.
//
// The first worker that decodes is started before that: it is up by the time an instance has come.

let asked = null;
let early = null;

function worker(name) {
  return new Worker(new URL("./decoding.js", import.meta.url), { type: "module", name });
}

/** Start what will be needed for a first image of this transfer syntax; nothing where that was done already. */
export function prepare(syntax = "") {
  early ??= { worker: asked ? null : worker(`first ${syntax}`) };
  core();
}

/** Return a worker that decodes: the one that was started early, for whoever asks first. */
export function decoder() {
  const started = early?.worker ?? worker("");
  if (early) early.worker = null;
  return started;
}

/** Return Cornerstone's parts (see cornerstone.js); asked for once. */
export function core() {
  asked ??= import("./cornerstone.js");
  return asked;
}
