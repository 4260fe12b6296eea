import { get } from "node:http";
import { formatAddress } from "../domain/address.ts";
import { StartError } from "../domain/start-error.ts";

const ANSWERS_WITHIN_MS = 1_000;

/** Why an address cannot be listened on (RUN-1), from Node's error. */
export async function describeListenError(error: unknown, host: string, port: number): Promise<StartError> {
  const address = formatAddress({ host, port });
  const options = { cause: error };
  switch ((error as NodeJS.ErrnoException).code) {
    case "EADDRINUSE": {
      const holder = (await isStagemq(address)) ? "in use by another stagemq" : "in use";
      const advice = "Stop what listens there, or let stagemq pick a port: --http 127.0.0.1:0.";
      return new StartError(5, `${address} is ${holder}. ${advice}`, options);
    }
    case "EACCES":
    case "EPERM":
      return new StartError(
        4,
        `Cannot listen on ${address}: not permitted. Choose a port above 1023 with --http.`,
        options,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new StartError(2, `Cannot listen on ${address}: this machine has no such address (--http).`, options);
    default:
      return new StartError(1, `Cannot listen on ${address}: ${(error as Error).message} (--http).`, options);
  }
}

/** Whether what listens there says that it is stagemq. */
function isStagemq(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`http://${address}/`, { timeout: ANSWERS_WITHIN_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text = (text + chunk).slice(0, 4_096);
      });
      response.on("error", () => resolve(false));
      response.on("end", () => resolve(text.includes("message port of stagemq")));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
