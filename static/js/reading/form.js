export function bindForm() {}
