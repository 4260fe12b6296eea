import type { Look, Printer, PrinterHost } from "./printer.ts";
import { toJson } from "./to-one-line.ts";

export const FORMATS = ["table", "json", "ndjson"] as const;
export type Format = (typeof FORMATS)[number];

export async function openPrinter<T>(format: Format, look: Look<T>, host: PrinterHost): Promise<Printer<T>> {
  if (format === "ndjson") return ndjsonPrinter(look, host);
  if (format === "json") return jsonPrinter(look, host);
  // A library that only tables need.
  const { tablePrinter } = await import("./table-printer.ts");
  return tablePrinter(look.columns, host);
}

function ndjsonPrinter<T>({ toRecord }: Look<T>, host: PrinterHost): Printer<T> {
  return {
    print: (items) => host.print(items.map((item) => `${toJson(toRecord(item))}\n`).join("")),
    end: async () => {},
  };
}

/** One list, which grows while items come: a reader of it gets JSON even if the end comes early. */
function jsonPrinter<T>({ toRecord }: Look<T>, host: PrinterHost): Printer<T> {
  let lead = "[";
  return {
    print: (items) => {
      const text = items.map((item) => {
        const record = `${lead}\n  ${toJson(toRecord(item))}`;
        lead = ",";
        return record;
      });
      return host.print(text.join(""));
    },
    end: async () => {
      await host.print(lead === "[" ? "[]\n" : "\n]\n");
    },
  };
}
