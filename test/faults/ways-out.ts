/** What must be undone however a scenario ends: mounts above all. Undone in reverse. */
const undone: (() => Promise<void>)[] = [];

/** Resolves to a function that undoes it now. */
export function undoAtTheEnd(undo: () => Promise<void>): () => Promise<void> {
  undone.push(undo);
  return async () => {
    const at = undone.indexOf(undo);
    if (at < 0) return;
    undone.splice(at, 1);
    await undo();
  };
}

export async function undoAll(): Promise<void> {
  for (const undo of undone.splice(0).reverse()) await undo().catch((error: unknown) => console.error(error));
}
