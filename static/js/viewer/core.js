// The way to Cornerstone: a promise, so that previews stand and instances are on their way while it is being read.

let asked = null;

/** Return Cornerstone's parts (see cornerstone.js); asked for once. */
export function core() {
  asked ??= import("./cornerstone.js");
  return asked;
}
