import { expect, it } from "vitest";
import { formatDate, parseDate } from "./http-date.ts";

it("a Date header is read as IMF-fixdate and written so", () => {
  expect(parseDate("Sat, 21 Nov 2026 04:02:37 GMT")).toBe(Date.UTC(2026, 10, 21, 4, 2, 37));
  expect(formatDate(Date.UTC(2026, 10, 21, 4, 2, 37))).toBe("Sat, 21 Nov 2026 04:02:37 GMT");
});

it.each([
  "",
  "now",
  "2026-11-21T04:02:37Z",
  "Sat, 31 Feb 2026 04:02:37 GMT",
  "Sat, 21 Nov 2026 25:02:37 GMT",
  "Sat, 21 Nov 2026 04:02:37 CET",
  "Sat, 21 Nux 2026 04:02:37 GMT",
])("the Date %j is unreadable", (value) => {
  expect(parseDate(value)).toBeUndefined();
});
