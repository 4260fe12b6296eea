const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/** What was read of late: of all requests of one second it is the same, and clocks differ by few. */
const known = new Map<string, number>();
const MAX_KNOWN = 16;

/** Epoch milliseconds of a Date header, `Sat, 21 Nov 2026 04:02:37 GMT`, the only form an SDK sends. */
export function parseDate(value: string): number | undefined {
  const seen = known.get(value);
  if (seen !== undefined) return seen;
  const at = readDate(value);
  if (at === undefined) return undefined;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(value, at);
  return at;
}

function readDate(value: string): number | undefined {
  const [, day, monthName = "", year, hour, minute, second] = IMF_FIXDATE.exec(value.trim()) ?? [];
  const month = MONTHS.indexOf(monthName);
  if (month < 0) return undefined;
  const at = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  const isReal = formatDate(at).slice(5, 25) === value.trim().slice(5, 25); // no 31 Feb, no 25:00
  return isReal ? at : undefined;
}

/** A Date header, for clients. */
export function formatDate(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}
