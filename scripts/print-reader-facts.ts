/** Prints the table facts × SDK of the reader models: `npx tsx scripts/print-reader-facts.ts`. */
import { tableOfFacts } from "../packages/wire/test/readers/facts.ts";

process.stdout.write(tableOfFacts());
