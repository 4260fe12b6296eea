import { STATUS_CODES } from "node:http";
import { formatDate } from "@stagemq/wire";
import type { EpochMs } from "../domain/time.ts";
import type { Answer } from "./answer.ts";

/** An answer as it stands on the wire, for a connection that `node:http` has given up: nothing can follow it. */
export function formatLastWord({ status, headers, body }: Answer, wall: EpochMs): string {
  const lines = Object.entries({ ...headers, Date: formatDate(wall), Connection: "close" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body ?? ""}`;
}
