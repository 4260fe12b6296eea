import { HttpTransport } from "../transport/http-transport.ts";
import { findRoute } from "../transport/route.ts";
import { Exchange } from "./exchange.ts";
import type { Settings } from "./settings.ts";

/** The exchange with the broker that the settings name. Connects when it is first used. */
export function openExchange(settings: Settings): Exchange {
  const { endpoint, proxy, tls } = settings;
  return new Exchange(settings, new HttpTransport(endpoint, findRoute(endpoint, proxy, tls)));
}
