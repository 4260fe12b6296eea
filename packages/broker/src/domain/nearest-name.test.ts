import { expect, it } from "vitest";
import { nearestName } from "./nearest-name.ts";

it.each([
  ["order_event", ["orders", "order_events", "payments"], "order_events"],
  ["ORDERS", ["orders"], "orders"],
  ["oders", ["orders", "odors"], "orders"],
  ["payment", ["orders"], undefined],
  ["a", ["b"], undefined],
  ["orders", [], undefined],
  ["", ["a"], undefined],
])("who wrote %s, where there are %j, may have meant %s", (given, names, nearest) => {
  expect(nearestName(given, names)).toBe(nearest);
});
