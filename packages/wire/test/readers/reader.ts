/** The shared shape of the seven reader models: what an SDK does with a response, held against what the response says. */
import { differenceOf, meaningOf } from "./meaning.ts";
import { type Operation, type RawResponse, type Reading, type Sdk, type Seen, Unreadable } from "./seen.ts";

/** A model of one SDK's reading technique. It refuses what that SDK cannot read. */
export interface Reader {
  readonly sdk: Sdk;
  read(response: RawResponse, operation: Operation): Reading;
}

/** Makes a model of `see`, which imitates the SDK: it answers what the caller gets or throws `Unreadable`. */
export function reader(sdk: Sdk, see: (response: RawResponse, operation: Operation) => Seen): Reader {
  return {
    sdk,
    read: (response, operation) => {
      let seen: Seen;
      try {
        seen = see(response, operation);
      } catch (error) {
        if (error instanceof Unreadable) return { problem: `${sdk}: ${error.message}` };
        throw error;
      }
      const meant = meaningOf(response, operation);
      if (meant === undefined) return { problem: `${sdk}: sees "${seen.kind}" in a response that says nothing` };
      const difference = differenceOf(seen, meant);
      return difference === undefined ? { ok: seen } : { problem: `${sdk}: ${difference}` };
    },
  };
}
