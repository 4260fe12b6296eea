import { beforeEach, describe, expect, it } from "vitest";
import { Tally } from "./tally.ts";

let tally: Tally;

beforeEach(() => {
  tally = new Tally({ run: "run", streams: 2, ordered: true });
});

/** So many confirmed messages of stream 0. */
function publish(count: number): string[] {
  return Array.from({ length: count }, () => {
    const label = tally.send(0);
    tally.confirm(0);
    return label;
  });
}

describe("the tally of a run", () => {
  it("finds nothing where all came in order", () => {
    for (const label of publish(3)) tally.receive(label, true);
    expect(tally.outstanding).toBe(0);
    expect(tally.judge()).toEqual({ lost: [], outOfOrder: [], changed: [], again: 0, foreign: 0 });
  });

  it("names what was confirmed and never came", () => {
    const [first = "", , third = ""] = publish(3);
    tally.receive(first, true);
    tally.receive(third, true);
    expect(tally.outstanding).toBe(1);
    expect(tally.judge().lost).toEqual(["run.0.1"]);
  });

  it("expects nothing of what was not confirmed, and takes it when it comes", () => {
    tally.send(0);
    const second = tally.send(0);
    expect([tally.outstanding, tally.judge().lost]).toEqual([0, []]);
    tally.receive(second, true);
    tally.confirm(0);
    expect([tally.outstanding, tally.judge().foreign]).toEqual([0, 0]);
  });

  it("names what came after a later message of its stream, but not what came again", () => {
    const [first = "", second = "", third = ""] = publish(3);
    for (const label of [first, third, first, second]) tally.receive(label, true);
    expect(tally.judge()).toMatchObject({ outOfOrder: [second], again: 1, lost: [] });
  });

  it("judges no order where none was asked for", () => {
    tally = new Tally({ run: "run", streams: 1, ordered: false });
    const [first = "", second = ""] = publish(2);
    for (const label of [second, first]) tally.receive(label, true);
    expect(tally.judge()).toEqual({ lost: [], changed: [], again: 0, foreign: 0 });
  });

  it("names what came with another body", () => {
    const [first = ""] = publish(1);
    tally.receive(first, false);
    expect(tally.judge().changed).toEqual([first]);
  });

  it("counts what others sent", () => {
    publish(1);
    for (const label of ["other.0.0", "run.0.1", "run.7.0", "hello", ""]) tally.receive(label, true);
    expect(tally.judge()).toMatchObject({ foreign: 5, lost: ["run.0.0"] });
  });
});
