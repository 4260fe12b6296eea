import type { SpanContext } from "@opentelemetry/api";
import type { PropertyPair } from "@stagemq/wire";
import type { OpenTelemetry } from "./open-telemetry.ts";

/** W3C Trace Context in the properties of a message, under the names that it has in HTTP. */

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/** The properties that carry this context on. */
export function toTracePairs({ traceId, spanId, traceFlags, traceState }: SpanContext): PropertyPair[] {
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  const state = escapeState(traceState?.serialize() ?? "");
  const parent = ["traceparent", `00-${traceId}-${spanId}-${flags}`] as const;
  return state === "" ? [parent] : [parent, ["tracestate", state]];
}

/** The context that a message came with. */
export function readTraceContext(
  { createTraceState, isSpanContextValid }: OpenTelemetry,
  { traceparent = "", tracestate }: Readonly<Record<string, string>>,
): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(unescapeState(tracestate)) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}

/** A property's value has no ":" and no "|"; the values of a trace state may have both. */
function escapeState(state: string): string {
  return state.replace(/[%:|]/g, encodeURIComponent);
}

function unescapeState(state: string): string {
  return state.replace(/%(?:25|3A|7C)/gi, decodeURIComponent);
}
