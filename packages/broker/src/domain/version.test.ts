import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { VERSION } from "./version.ts";

it.each(["wire", "broker", "cli"])("the version is that of package %s", (name) => {
  const file = join(import.meta.dirname, "../../..", name, "package.json");
  expect((JSON.parse(readFileSync(file, "utf8")) as { version: string }).version).toBe(VERSION);
});
