/** What must be undone however a scenario ends: mounts above all. The newest stands last. */
const toUndo: (() => Promise<void>)[] = [];

/** Returns what undoes it now. It is undone once, and whoever asks waits until it is. */
export function undoAtTheEnd(undo: () => Promise<void>): () => Promise<void> {
  let undoing: Promise<void> | undefined;
  const undoOnce = async () => {
    undoing ??= undo();
    await undoing.finally(() => {
      const at = toUndo.indexOf(undoOnce);
      if (at >= 0) toUndo.splice(at, 1);
    });
  };
  toUndo.push(undoOnce);
  return undoOnce;
}

export async function undoAll(): Promise<void> {
  for (let undo = toUndo.at(-1); undo !== undefined; undo = toUndo.at(-1))
    await undo().catch((error: unknown) => console.error(error));
}
