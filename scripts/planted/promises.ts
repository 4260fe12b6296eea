import { type RuleBook, readRuleBook } from "../rule-book.ts";
import { readWireItems, WIRE_PAGE } from "../wire-items.ts";
import type { Expectation, Plant } from "./plant.ts";

const PLANNED = "docs/rules/planned.md";
const PAGE = "docs/rules/time.md";
const TEST = "test/planted.test.ts";
/** In two pieces, so that a search for muted tests does not find it here. */
const SKIPPED = `.${"skip"}`;

/** Ways to promise what no test holds, in the family TIM, after its last rule. */
export function plantPromises(root: string): Plant[] {
  const planned = nextRule(readRuleBook(root));
  const onPage = planned.replace(/\d+$/, (number) => String(Number(number) + 1));
  const gone = "TIM-" + "999";
  return [
    inPlanned(`### ${planned} — planted`),
    inPlanned(`- ${planned}.1 It has a test already.`, { says: `${planned}.1 has a test` }),
    inPlanned(`- ${planned}.2 It says one thing. It says another.`, { says: `${planned}.2 is not exactly one` }),
    inPlanned(`- ${planned}.4 It skips a number.`, { says: `${planned}.3 is missing` }, PLANNED),
    inPlanned(`- ${planned}.9+ It adds to nothing.`, { says: `${planned}.9+ adds to nothing` }),
    inPlanned("- It has no number.", { says: "not of the form" }),
    { file: TEST, text: `it("${planned}.1: holds", () => expect(1).toBe(1));`, expects: [] },

    onItsPage(`## ${onPage} — planted`),
    onItsPage("1. Its test is a comment.", { says: `${onPage}.1 has no test` }),
    onItsPage("2. Its test is skipped.", { says: `${onPage}.2 has no test` }),
    onItsPage("3. Its test is in a skipped suite.", { says: `${onPage}.3 has no test` }),
    onItsPage("4. Its test is empty.", { says: `${onPage}.4 has no test` }),
    { file: TEST, text: `// it("${onPage}.1: holds", () => expect(1).toBe(1));`, expects: [] },
    { file: TEST, text: `it${SKIPPED}("${onPage}.2: holds", () => expect(1).toBe(1));`, expects: [] },
    {
      file: TEST,
      text: `describe${SKIPPED}("all", () => { it("${onPage}.3: holds", () => expect(1).toBe(1)); });`,
      expects: [],
    },
    { file: TEST, text: `it("${onPage}.4: holds", () => {});`, expects: [] },
    { file: TEST, text: `it("${onPage}: holds", () => expect(1).toBe(1));`, expects: [{ says: "not by which" }] },
    { file: TEST, text: `// ${gone}`, expects: [{ says: `${gone} exists nowhere` }] },
    { file: TEST, text: `// ${onPage}.7`, expects: [{ says: `${onPage}.7 exists nowhere` }] },
    ...plantWireItems(root),
  ];
}

function plantWireItems(root: string): Plant[] {
  const last = readWireItems(root).at(-1);
  const row = "| WIRE-1 | It stands here too. | a title that no test has |";
  return [
    {
      file: WIRE_PAGE,
      text: row,
      expects: [{ file: WIRE_PAGE, says: "WIRE-1 stands in" }, { says: 'WIRE-1 is held by no test titled "a title' }],
    },
    ...(last
      ? [
          {
            file: last.file,
            instead: `${last.id} `,
            text: "Gone ",
            expects: [{ file: WIRE_PAGE, says: `${last.id} stands in 0` }],
          },
        ]
      : []),
  ];
}

function nextRule({ titles }: RuleBook): string {
  const numbers = [...titles.keys()].filter((rule) => rule.startsWith("TIM-")).map((rule) => Number(rule.slice(4)));
  return `TIM-${Math.max(...numbers) + 1}`;
}

function inPlanned(text: string, expectation?: Expectation, file?: string): Plant {
  return { file: PLANNED, text, expects: expectation ? [{ ...expectation, ...(file && { file }) }] : [] };
}

function onItsPage(text: string, expectation?: Expectation): Plant {
  return { file: PAGE, text, expects: expectation ? [expectation] : [] };
}
