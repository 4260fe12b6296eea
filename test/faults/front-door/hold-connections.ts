import { connect } from "node:net";
import { parseArgs } from "node:util";

/**
 * A process that opens so many connections, a few at a time, and keeps those that are not closed on it. It tells on a line of JSON how many
 * it holds, lets go of them when its standard input ends, and tells that too.
 */
const { values } = parseArgs({ options: { port: { type: "string" }, count: { type: "string" } } });
const AT_ONCE = 50;
/** One that is refused is closed at once. */
const SETTLED_AFTER_MS = 1_000;

const open = new Set<ReturnType<typeof connect>>();
let refused = 0;
let left = Number(values.count);

await Promise.all(Array.from({ length: AT_ONCE }, openOneByOne));
await new Promise((resolve) => setTimeout(resolve, SETTLED_AFTER_MS));
console.log(JSON.stringify({ held: open.size, refused }));
for await (const _ of process.stdin);
for (const socket of open) socket.destroy();

async function openOneByOne(): Promise<void> {
  while (left-- > 0) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(values.port), "127.0.0.1", () => {
        open.add(socket);
        resolve();
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        refused += 1;
        resolve();
      });
      socket.resume();
    });
  }
}
