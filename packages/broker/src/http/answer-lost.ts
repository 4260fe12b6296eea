import { HungUp } from "./connections.ts";

/**
 * Thrown by an engine that plays a network which loses the answer: the connection is cut, and what was delivered stays
 * delivered, since nobody knows. For tests.
 */
export class AnswerLost extends HungUp {
  override readonly name = "AnswerLost";
}
