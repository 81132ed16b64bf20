export function bindKeys() {}
