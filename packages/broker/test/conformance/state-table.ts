import { readFileSync } from "node:fs";

/** A complete table: a forgotten cell does not compile. Undefined: it cannot happen there, or changes nothing. */
export type StateTable<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Record<Event, State | undefined>>>
>;

/** Every cell, as state, event, and the state after it. */
export function cellsOf<State extends string, Event extends string>(
  table: StateTable<State, Event>,
): { state: State; event: Event; next: State }[] {
  const states = Object.keys(table) as State[];
  return states.flatMap((state) => {
    const events = Object.keys(table[state]) as Event[];
    return events.map((event) => ({ state, event, next: table[state][event] ?? state }));
  });
}

/** The table as the rule book prints it. */
export function formatTable<State extends string, Event extends string>(table: StateTable<State, Event>): string {
  const rows = Object.entries(table) as [State, Record<Event, State | undefined>][];
  const events = Object.keys(rows[0]?.[1] ?? {}) as Event[];
  return [
    ["", ...events],
    events.map(() => "---").concat("---"),
    ...rows.map(([state, row]) => [`**${state}**`, ...events.map((event) => row[event] ?? "—")]),
  ]
    .map((cells) => `| ${cells.join(" | ")} |`.replace("|  |", "| |"))
    .join("\n");
}

export function rulePage(name: string): string {
  return readFileSync(new URL(`../../../../docs/rules/${name}.md`, import.meta.url), "utf8");
}
