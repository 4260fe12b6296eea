import type { TopicRef } from "../../domain/names.ts";
import type { Call, Engine } from "../../engine/engine.ts";
import type { Visit } from "../answer.ts";
import type { LeftOutProperties } from "../left-out-properties.ts";

/** What every operation works with. */
export interface Desk {
  readonly engine: Engine;
  readonly leftOut: LeftOutProperties;
}

/** Whose request it is, and where it leads. */
export interface Errand {
  readonly visit: Visit;
  readonly call: Call;
  readonly topic: TopicRef;
}
