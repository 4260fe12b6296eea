import { findTests } from "./find-tests.ts";
import type { Finding } from "./finding.ts";
import { readWireItems, WIRE_ITEM_COUNT, WIRE_PAGE } from "./wire-items.ts";

/** Each item of the wire's checklist stands once: held by a test that exists, or planned and without one. */
export function checkWireItems(root: string, projectFiles: readonly string[]): Finding[] {
  const items = readWireItems(root);
  const tests = findTests(root, projectFiles);
  const titles = new Set(tests.map(({ title }) => title));
  const held = new Set(tests.flatMap(({ ids }) => ids));
  const findings: Finding[] = [];
  for (let number = 1; number <= WIRE_ITEM_COUNT; number++) {
    const id = `WIRE-${number}`;
    const places = items.filter((item) => item.id === id).length;
    if (places !== 1)
      findings.push({ file: WIRE_PAGE, says: `${id} stands in ${places} places, here and in planned.md together` });
  }
  for (const { id, heldBy, file, line } of items) {
    if (heldBy === undefined && held.has(id))
      findings.push({ file, line, says: `${id} has a test: move it to ${WIRE_PAGE} (npm run rules:promote)` });
    if (heldBy !== undefined && !titles.has(heldBy))
      findings.push({ file, line, says: `${id} is held by no test titled "${heldBy}"` });
  }
  return findings;
}
