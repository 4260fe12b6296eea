import { styleText } from "node:util";
import type { EpochMs } from "../../domain/time.ts";
import type { LogFields, LogLevel } from "../log.ts";

export interface TerminalEntry {
  readonly level: LogLevel;
  readonly wall: EpochMs;
  readonly event: string;
  readonly fields: LogFields;
}

type Style = Parameters<typeof styleText>[0];

/** Whether there are colours is for standard error to say; styleText would ask standard output. */
const ASKED_ALREADY = { validateStream: false };
const LEVEL_STYLES: Readonly<Record<LogLevel, Style>> = { debug: "dim", info: "cyan", warn: "yellow", error: "red" };
/** The commonest word; longer ones push the rest of their line aside. */
const WORD_WIDTH = "delivered".length;
/** Fields that have a place of their own in the line. */
const PLACED = new Set(["topic", "queue", "id", "group", "attempt", "visibleAgainAt", "sentence", "stack"]);

/** One event as a line for people: what happened and to what, then the other fields as name=value. */
export function formatTerminalLine(entry: TerminalEntry, colour: boolean): string {
  const paint = (style: Style, text: string) => (colour && text !== "" ? styleText(style, text, ASKED_ALREADY) : text);
  const { level, wall, fields } = entry;
  const told = [
    paint(LEVEL_STYLES[level], wordFor(entry)),
    plain(fields.sentence),
    placeOf(fields),
    plain(fields.id),
    fields.group === undefined ? "" : `→ ${plain(fields.group)}`,
    attemptOf(fields),
    paint("dim", othersOf(fields)),
  ];
  const line = `${paint("dim", timeOfDay(wall))} ${told.filter((part) => part !== "").join("  ")}\n`;
  return fields.stack === undefined ? line : `${line}${String(fields.stack).split("\n").map(plain).join("\n")}\n`;
}

/** `message.delivered` is "delivered". Others have a sentence, before which only a warning is called one, or go by their name. */
function wordFor({ level, event, fields }: TerminalEntry): string {
  if (event.startsWith("message.")) return plain(event.slice("message.".length)).padEnd(WORD_WIDTH);
  if (fields.sentence === undefined) return plain(event);
  return { debug: "", info: "", warn: "warning", error: "error" }[level];
}

function placeOf({ topic, queue }: LogFields): string {
  if (topic === undefined) return "";
  return queue === undefined ? plain(topic) : `${plain(topic)}#${plain(queue)}`;
}

function attemptOf({ attempt, visibleAgainAt }: LogFields): string {
  const attempted = attempt === undefined ? [] : [`attempt ${plain(attempt)}`];
  const back =
    visibleAgainAt === undefined ? [] : [`back ${timeOfDay(Date.parse(String(visibleAgainAt))).slice(0, 8)}`];
  return [...attempted, ...back].join(", ");
}

function othersOf(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([name, value]) => !PLACED.has(name) && value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${/^[^\s"=]+$/.test(String(value)) ? plain(value) : plain(JSON.stringify(value))}`)
    .join(" ");
}

/** The hour on the clock of whoever sits at the terminal. */
function timeOfDay(at: EpochMs): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

/** A key or a tag comes from outside: without its control characters it cannot command the terminal. */
function plain(value: LogFields[string]): string {
  if (value === undefined) return "";
  return String(value).replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
