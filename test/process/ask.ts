import { expect } from "vitest";
import { judge, type Operation, type RawResponse } from "../../packages/wire/test/readers/judge.ts";
import { RawClient } from "./raw-client.ts";
import { type AnyRequest, formatRequest } from "./signed-request.ts";

/** One request on a connection of its own; its response is judged by all seven readers. */
export async function ask(broker: { readonly endpoint: string }, request: AnyRequest): Promise<RawResponse> {
  const client = await RawClient.connect(broker.endpoint);
  const response = await askOn(client, request);
  client.close();
  return response;
}

/** The same on a connection that is there already. */
export async function askOn(client: RawClient, request: AnyRequest): Promise<RawResponse> {
  client.send(formatRequest(request));
  const response = await client.response(request.method);
  expectReadable(response, request);
  return response;
}

/** The bodies that a poll gets. */
export async function bodiesOf(broker: { readonly endpoint: string }, request: AnyRequest): Promise<string[]> {
  return elementsOf(await ask(broker, request), "MessageBody");
}

/** All seven SDKs can read it. */
export function expectReadable(response: RawResponse, { method = "POST", target = "" }: AnyRequest): void {
  if (method !== "HEAD") expect(judge(response, operationOf(method, target))).toEqual([]);
}

function operationOf(method: string, target: string): Operation {
  if (method === "GET") return "consume";
  if (method !== "DELETE") return "publish";
  return target.includes("trans=") ? "end-transaction" : "acknowledge";
}

/** `404 TopicNotExist` of a response; of `Errors` the codes of all items. */
export function verdictOf(response: RawResponse): string {
  const codes = [...elementsOf(response, "Code"), ...elementsOf(response, "ErrorCode")];
  return [response.status, ...codes].join(" ");
}

/** What stands behind the protocol's text. */
export function hintOf(response: RawResponse): string {
  return elementsOf(response, "Message")[0]?.split(" Hint: ")[1] ?? "";
}

export function headerOf(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([other]) => other === name)?.[1];
}

/** The texts of all elements of this name, as they stand there. */
export function elementsOf(response: RawResponse, name: string): string[] {
  return [...response.body.toString().matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(
    ([, text = ""]) => text,
  );
}
