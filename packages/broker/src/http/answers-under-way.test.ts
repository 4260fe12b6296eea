import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { MIB } from "../domain/size.ts";
import { MINUTE } from "../domain/time.ts";
import { SimulatedClock } from "../testing/simulated-clock.ts";
import { AnswersUnderWay } from "./answers-under-way.ts";

function open(): { readonly clock: SimulatedClock; readonly answers: AnswersUnderWay } {
  const clock = new SimulatedClock();
  return { clock, answers: new AnswersUnderWay(clock, { maxBytes: 10 * MIB, timeout: MINUTE }) };
}

/** Two answers of one connection, of which `node:http` writes the first. */
function pipeline(): { readonly socket: Socket; readonly first: ServerResponse; readonly second: ServerResponse } {
  const socket = new Socket();
  const first = new ServerResponse(new IncomingMessage(socket));
  const second = new ServerResponse(new IncomingMessage(socket));
  first.assignSocket(socket);
  return { socket, first, second };
}

describe("making room for an answer", () => {
  it("REQ-2.5: what waits behind an answer that is read makes way for nobody", async () => {
    const { clock, answers } = open();
    const { socket, first, second } = pipeline();
    answers.begin(first, 4 * MIB);
    answers.begin(second, 4 * MIB);
    for (let time = 0; time < 2; time++) {
      await clock.advance(4_000);
      answers.taken(first);
    }
    expect(answers.begin(pipeline().first, 4 * MIB)).toBe(false);
    expect(socket.destroyed).toBe(false);
  });

  it("REQ-2.5: nor does what waits behind a poll that has no answer yet", async () => {
    const { clock, answers } = open();
    const { socket, second } = pipeline();
    answers.begin(second, 8 * MIB);
    await clock.advance(5_000);
    expect(answers.begin(pipeline().first, 4 * MIB)).toBe(false);
    expect(socket.destroyed).toBe(false);
  });

  it("REQ-2.5: nobody is cut off where that makes too little room", async () => {
    const { clock, answers } = open();
    const stuck = pipeline();
    answers.begin(stuck.first, MIB);
    await clock.advance(5_000);
    answers.begin(pipeline().first, 8 * MIB);
    expect(answers.begin(pipeline().first, 4 * MIB)).toBe(false);
    expect(stuck.socket.destroyed).toBe(false);
    expect(answers.begin(pipeline().first, 2 * MIB)).toBe(true);
    expect(stuck.socket.destroyed).toBe(true);
  });

  it("REQ-2.5: who is cut off leaves the room of all its answers", async () => {
    const { clock, answers } = open();
    const { socket, first, second } = pipeline();
    answers.begin(first, MIB);
    answers.begin(second, 9 * MIB);
    await clock.advance(5_000);
    expect(answers.begin(pipeline().first, 10 * MIB)).toBe(true);
    expect(socket.destroyed).toBe(true);
    for (const response of [first, second]) answers.end(response);
    expect(answers.begin(pipeline().first, MIB)).toBe(false);
  });
});

describe("an answer of which nothing is taken", () => {
  it("REQ-2.4: has its minute from when it is the first of its connection", async () => {
    const { clock, answers } = open();
    const { socket, first, second } = pipeline();
    answers.begin(second, MIB);
    await clock.advance(MINUTE - 1);
    answers.begin(first, MIB);
    await clock.advance(MINUTE - 1);
    expect(socket.destroyed).toBe(false);
    first.detachSocket(socket);
    second.assignSocket(socket);
    answers.end(first);
    await clock.advance(MINUTE - 1);
    expect(socket.destroyed).toBe(false);
    await clock.advance(1);
    expect(socket.destroyed).toBe(true);
  });
});
