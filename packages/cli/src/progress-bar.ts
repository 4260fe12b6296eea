import type { Progress } from "@stagemq/broker";
import type { Host } from "./host.ts";

const BLOCKS = 20;
/** What is over by then needs no bar. */
const FIRST_AFTER_MS = 500;
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;

export interface ShownProgress extends Progress {
  /** Clears the bar, so that what follows begins on a line of its own. */
  end(): void;
}

interface ProgressSettings {
  readonly quiet: boolean;
  readonly now?: () => number;
  /** What a line says; bytes, unless told otherwise. */
  readonly format?: (step: ProgressStep) => string;
}

export interface ProgressStep {
  readonly done: number;
  readonly total: number;
  readonly forMs: number;
}

/**
 * One bar for a person, a plain line every five seconds for anything else, on standard error; nothing where it is to be quiet.
 * Work that begins again, or a second part of it, starts the bar anew.
 */
export function showProgress(
  { terminal, tell }: Pick<Host, "terminal" | "tell">,
  { quiet, now = () => performance.now(), format = formatProgress }: ProgressSettings,
): ShownProgress {
  let total = 0;
  let done = 0;
  let begunAt = now();
  let shownAt = 0;
  let isShown = false;
  const end = (): void => {
    if (isShown && terminal) tell("\r\u001b[K");
    isShown = false;
  };
  return {
    begin(totalBytes) {
      end();
      [total, done, begunAt] = [totalBytes, 0, now()];
      shownAt = terminal ? begunAt + FIRST_AFTER_MS - BAR_EVERY_MS : begunAt;
    },
    add(bytes) {
      done += bytes;
      const at = now();
      if (quiet || at - shownAt < (terminal ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
      shownAt = at;
      isShown = true;
      const line = format({ done, total, forMs: at - begunAt });
      tell(terminal ? `\r${line}\u001b[K` : `${line}\n`);
    },
    end,
  };
}

/** `████████████░░░░░░░░ 62 %  124/200 MB · 31 MB/s · 2 s left` */
export function formatProgress({ done, total, forMs }: ProgressStep): string {
  const rate = forMs === 0 ? 0 : (done / forMs) * 1_000;
  const left = rate === 0 ? "" : ` · ${Math.ceil(Math.max(0, total - done) / rate)} s left`;
  return `${formatBar(total === 0 ? 1 : done / total)}  ${megabytes(done)}/${megabytes(total)} MB · ${megabytes(rate)} MB/s${left}`;
}

/** `████████████░░░░░░░░ 62 %` */
export function formatBar(share: number): string {
  const bounded = Math.min(1, share);
  const full = Math.floor(bounded * BLOCKS);
  return `${"█".repeat(full)}${"░".repeat(BLOCKS - full)} ${Math.floor(bounded * 100)} %`;
}

function megabytes(bytes: number): string {
  return Math.round(bytes / 1_000_000).toLocaleString("en-US");
}
