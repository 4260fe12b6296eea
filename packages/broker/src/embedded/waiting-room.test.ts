import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../testing/simulated-clock.ts";
import { WaitingRoom } from "./waiting-room.ts";

describe("WaitingRoom", () => {
  it("serves in order of arrival, each as long as there is something", async () => {
    const { room, wait, answers, stock } = aRoom();
    for (const name of ["first", "second", "third"]) wait(name);
    stock.push("a", "b");
    room.wake("here");
    await settled();
    expect(answers).toEqual({ first: "a", second: "b" });
    stock.push("c");
    room.wake("here");
    await settled();
    expect(answers.third).toBe("c");
    expect(room.size).toBe(0);
  });

  it("keeps the place of one woken in vain, also before those who came later", async () => {
    const { room, wait, answers, stock } = aRoom();
    wait("first");
    room.wake("here");
    wait("second");
    room.wake("here");
    stock.push("a");
    room.wake("here");
    await settled();
    expect(answers).toEqual({ first: "a" });
  });

  it("asks one of each shape, where it is in vain", () => {
    const { room, wait, looks } = aRoom();
    for (const name of ["one", "two", "three"]) wait(name, { shape: "plain" });
    wait("four", { shape: "ordered" });
    room.wake("here");
    expect(looks).toEqual(["one", "four"]);
  });

  it("asks nobody else of a shape after one that was given all there is", async () => {
    const { room, wait, looks, stock } = aRoom();
    for (const name of ["one", "two", "three"]) wait(name, { shape: "plain", isAll: (served) => served === "last" });
    wait("four", { shape: "ordered" });
    stock.push("some", "last");
    room.wake("here");
    expect(looks).toEqual(["one", "two", "four"]);
  });

  it("tries those of another shape after one woken in vain", async () => {
    const { room, wait, answers, stock } = aRoom();
    wait("choosy", { shape: "a", serve: () => undefined });
    wait("hungry", { shape: "b" });
    stock.push("x");
    room.wake("here");
    await settled();
    expect(answers).toEqual({ hungry: "x" });
  });

  it("wakes nobody in another room", () => {
    const { room, wait, looks } = aRoom();
    wait("one", { room: "there" });
    room.wake("here");
    expect(looks).toEqual([]);
    room.wake("there");
    expect(looks).toEqual(["one"]);
  });

  it("looks again after a look that woke the room itself", async () => {
    const { room, wait, answers, stock } = aRoom();
    wait("first", {
      shape: "a",
      serve: () => {
        stock.push("left behind");
        room.wake("here");
        return "mine";
      },
    });
    wait("second", { shape: "b" });
    room.wake("here");
    await settled();
    expect(answers).toEqual({ first: "mine", second: "left behind" });
  });

  it("lets each go at its own deadline with nothing, woken in vain or not", async () => {
    const { room, wait, answers, clock } = aRoom();
    wait("long", { waitUpTo: 3_000 });
    wait("short", { waitUpTo: 1_000 });
    wait("same", { waitUpTo: 1_000 });
    await clock.advance(999);
    room.wake("here");
    expect(answers).toEqual({});
    await clock.advance(1);
    expect(answers).toEqual({ short: undefined, same: undefined });
    await clock.advance(2_000);
    expect(Object.keys(answers)).toEqual(["short", "same", "long"]);
    expect(room.size).toBe(0);
  });

  it("ends a wait that has passed on either clock, once", async () => {
    const other = new SimulatedClock();
    const { room, wait, answers, clock, stock } = aRoom(other);
    wait("by the other", { waitUpTo: 1_000 });
    await other.advance(1_000);
    expect(answers).toEqual({ "by the other": undefined });
    wait("by the first", { waitUpTo: 1_000 });
    await clock.advance(1_000);
    expect(Object.keys(answers)).toEqual(["by the other", "by the first"]);
    wait("by neither", { waitUpTo: 1_000 });
    stock.push("a");
    room.wake("here");
    await other.advance(5_000);
    expect(answers["by neither"]).toBe("a");
  });

  it("lets go of one whose client hung up, without a look, and serves the next", async () => {
    const { room, wait, answers, looks, stock } = aRoom();
    const hangUp = new AbortController();
    wait("gone", { signal: hangUp.signal });
    wait("there");
    hangUp.abort();
    stock.push("a");
    room.wake("here");
    await settled();
    expect(answers).toEqual({ gone: undefined, there: "a" });
    expect(looks).toEqual(["there"]);
    wait("gone before it came", { signal: hangUp.signal });
    expect(room.size).toBe(0);
  });

  it("keeps what was served, when the client hangs up right after it", async () => {
    const { room, wait, answers, stock } = aRoom();
    const hangUp = new AbortController();
    wait("one", { signal: hangUp.signal });
    stock.push("a");
    room.wake("here");
    hangUp.abort();
    await settled();
    expect(answers).toEqual({ one: "a" });
  });

  it("refuses only the one whose look is refused", async () => {
    const { room, wait, answers, stock } = aRoom();
    const refuse = (): never => {
      throw new Error("the topic is gone");
    };
    wait("refused", { shape: "a", serve: refuse });
    wait("served", { shape: "b" });
    stock.push("a");
    room.wake("here");
    await settled();
    expect(answers).toEqual({ refused: new Error("the topic is gone"), served: "a" });
  });

  it("lets everybody go at a stop with nothing, and at a failure with its reason", async () => {
    const { room, wait, answers } = aRoom();
    wait("one");
    wait("two", { room: "there" });
    room.empty();
    wait("three");
    room.failAll(new Error("the disk failed"));
    await settled();
    expect(answers).toEqual({ one: undefined, two: undefined, three: new Error("the disk failed") });
    expect(room.size).toBe(0);
  });
});

interface Options {
  readonly room?: string;
  readonly shape?: string;
  readonly waitUpTo?: number;
  readonly signal?: AbortSignal;
  readonly serve?: () => string | undefined;
  readonly isAll?: (served: string) => boolean;
}

/** A room, what there is to serve in it, and what became of those who waited. */
function aRoom(...otherClocks: SimulatedClock[]) {
  const clock = new SimulatedClock();
  const room = new WaitingRoom<string>([clock, ...otherClocks]);
  const stock: string[] = [];
  const looks: string[] = [];
  const answers: Record<string, string | Error | undefined> = {};
  const wait = (name: string, options: Options = {}): void => {
    const serve = (): string | undefined => {
      looks.push(name);
      return (options.serve ?? (() => stock.shift()))();
    };
    const defaults = { room: "here", shape: "any", waitUpTo: 30_000, signal: new AbortController().signal };
    room.wait({ ...defaults, ...options, serve }).then(
      (served) => {
        answers[name] = served;
      },
      (error: Error) => {
        answers[name] = error;
      },
    );
  };
  return { clock, room, stock, looks, answers, wait };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await undefined;
}
