import { describe, expect, it } from "vitest";
import { type CheckFlags, decideEndOfAll, readNamedEnds } from "./decide-ends.ts";

describe("half messages that are named", () => {
  it.each<[CheckFlags, [string, string][] | undefined]>([
    [{}, undefined],
    [{ commit: true }, undefined],
    [{ rollback: true }, undefined],
    [
      { commit: ["a", "b"], rollback: ["c"] },
      [
        ["a", "commit"],
        ["b", "commit"],
        ["c", "rollback"],
      ],
    ],
  ])("%j", (flags, ends) => {
    const named = readNamedEnds(flags);
    expect(named && [...named]).toEqual(ends);
  });
});

describe("what to do with all half messages", () => {
  /** What was asked, and what came of this answer. */
  async function decided(flags: CheckFlags, answer: string | undefined, amount = 2) {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return answer ?? "";
    };
    return [await decideEndOfAll(amount, flags, { interactive: answer !== undefined, ask }), ...asked];
  }

  it("a script has said it", async () => {
    expect(await decided({ commit: true }, undefined)).toEqual(["commit"]);
    expect(await decided({ rollback: true }, undefined)).toEqual(["rollback"]);
    expect(await decided({}, undefined)).toEqual([undefined]);
  });

  it("a person is asked, and silence leaves them", async () => {
    expect(await decided({ commit: true }, "y")).toEqual(["commit", "Commit 2 half messages? [y/N] "]);
    expect(await decided({ rollback: true }, "yes", 1)).toEqual(["rollback", "Roll back 1 half message? [y/N] "]);
    for (const no of ["", "n", "yellow"]) expect((await decided({ commit: true }, no))[0]).toBeUndefined();
  });

  it("a person who said nothing yet may choose", async () => {
    expect(await decided({}, "c")).toEqual(["commit", "Commit, roll back or leave 2 half messages? [c/r/L] "]);
    expect((await decided({}, " Roll back\n"))[0]).toBe("rollback");
    for (const other of ["", "l", "leave", "crash"]) expect((await decided({}, other))[0]).toBeUndefined();
  });

  it("nobody is asked about nothing, nor who said yes before", async () => {
    expect(await decided({ commit: true }, "n", 0)).toEqual(["commit"]);
    expect(await decided({ commit: true, yes: true }, "n")).toEqual(["commit"]);
  });
});
