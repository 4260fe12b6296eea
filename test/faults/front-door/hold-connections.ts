import { connect } from "node:net";
import { parseArgs } from "node:util";

/**
 * A process that opens so many connections, a few at a time, asks one thing on each and keeps those that are not closed on it. It tells on
 * a line of JSON how many it holds, and lets go of them when its standard input ends.
 */
const { values } = parseArgs({ options: { port: { type: "string" }, count: { type: "string" } } });
/** A connection on which nothing was asked is cut off after 10 s, one that is idle after 75 s. */
const QUESTION = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
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
        socket.write(QUESTION);
      });
      socket.on("data", () => resolve());
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        refused += 1;
        resolve();
      });
    });
  }
}
