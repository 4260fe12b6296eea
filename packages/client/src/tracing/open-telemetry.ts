export type OpenTelemetry = typeof import("@opentelemetry/api");

let loading: Promise<OpenTelemetry | undefined> | undefined;

/** `@opentelemetry/api`, if the application has it. */
export function loadOpenTelemetry(): Promise<OpenTelemetry | undefined> {
  loading ??= import("@opentelemetry/api").catch(() => undefined);
  return loading;
}
