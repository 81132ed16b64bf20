// What was dropped or chosen, as files with the folder in which each lay: { file, folder }.

function folderOf(path) {
  return path.split("/").filter(Boolean).slice(0, -1).join("/");
}

// A browser hands out a folder's entries about a hundred at a time, and none at the end.
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, folder: folderOf(entry.fullPath) }];
  }
  const found = [];
  for (const inner of await entriesOf(entry)) found.push(...(await filesOf(inner)));
  return found;
}

/** The files of a drop, those of folders and of folders in them too. */
export async function dropped(data) {
  // Entries must be asked for at once: the browser forgets a drop as soon as its event is over.
  const entries = [...data.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  if (!entries.length || entries.some((entry) => !entry)) return chosen(data.files);
  const found = [];
  for (const entry of entries) found.push(...(await filesOf(entry)));
  return found;
}

/** The files of an input; one that takes a whole folder says where each lay. */
export function chosen(files) {
  return [...files].map((file) => ({ file, folder: folderOf(file.webkitRelativePath ?? "") }));
}
