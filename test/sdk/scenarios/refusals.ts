import { expect } from "vitest";
import { type SdkClient, SdkRefusal } from "../sdk.ts";
import type { Scenario, Stage } from "../stage.ts";
import { bodiesOf, drain, handlesOf } from "./drain.ts";

const PARCELS = { topic: "parcels", group: "GID_parcels" };
const GARBAGE = "not-a-handle";
const KEY = { accessKeyId: "orders-app", accessKeySecret: "hush" };
const CONFIG = `version: 1
users:
  - name: orders-app
    keys: [ { id: ${KEY.accessKeyId}, secret: ${KEY.accessKeySecret} } ]
instances:
  - id: MQ_INST_shop
    topics: [ { name: parcels } ]
    groups: [ { id: GID_parcels } ]
`;

export const partialFailure: Scenario = {
  title: "of several handles the good ones are acknowledged, each bad one is named",
  play: playPartialFailure,
};

export const undeclared: Scenario = {
  title: "where everything is declared, an unknown topic and an unknown key are refused by their names",
  config: CONFIG,
  play: playUndeclared,
};

export const wrongSecret: Scenario = {
  title: "a wrong secret of a declared key is refused, an undeclared key is let in by dev",
  play: playWrongSecret,
};

async function playPartialFailure(stage: Stage): Promise<void> {
  const client = stage.client();
  for (const body of ["one", "two"]) await client.publish(PARCELS.topic, { body });
  const received = await client.consume(PARCELS, { upTo: 16 });
  expect(bodiesOf(received)).toEqual(["one", "two"]);

  const refused = [{ receiptHandle: GARBAGE, code: "ReceiptHandleError" }];
  const [first = "", second = ""] = handlesOf(received);
  expect(await client.acknowledge(PARCELS, [first, GARBAGE])).toEqual(refused);
  expect(await client.acknowledge(PARCELS, [GARBAGE])).toEqual(refused);
  const elsewhere = { ...PARCELS, group: "GID_others" };
  expect(await client.acknowledge(elsewhere, [second])).toEqual([
    { receiptHandle: second, code: "ReceiptHandleError" },
  ]);
  expect(await client.acknowledge(PARCELS, [second])).toEqual([]);
  // DEL-5: to acknowledge what is acknowledged is no failure.
  expect(await client.acknowledge(PARCELS, [first, second])).toEqual([]);
}

async function playUndeclared(stage: Stage): Promise<void> {
  const client = stage.client(KEY);
  await client.publish(PARCELS.topic, { body: "declared" });
  const nowhere = { topic: "nowhere", group: PARCELS.group };
  for (const call of attempts(client, nowhere))
    await expectRefusal(stage, call, { code: "TopicNotExist", status: 404 });
  const stranger = stage.client({ ...KEY, accessKeyId: "nobody-declared-me" });
  for (const call of attempts(stranger, PARCELS))
    await expectRefusal(stage, call, { code: "InvalidAccessKeyId", status: 403 });
}

async function playWrongSecret(stage: Stage): Promise<void> {
  const wrong = stage.client({ accessKeySecret: "not the secret" });
  for (const call of attempts(wrong, PARCELS))
    await expectRefusal(stage, call, { code: "SignatureDoesNotMatch", status: 403 });

  const undeclaredKey = stage.client({ accessKeyId: "nobody-declared-me", accessKeySecret: "anything" });
  await undeclaredKey.publish(PARCELS.topic, { body: "let in" });
  expect(bodiesOf(await drain(undeclaredKey, PARCELS))).toEqual(["let in"]);
}

/** One call at a time: that is all that a client promises. */
function attempts(client: SdkClient, to: typeof PARCELS): readonly (() => Promise<unknown>)[] {
  return [
    () => client.publish(to.topic, { body: "refused" }),
    () => client.consume(to, { upTo: 1 }),
    () => client.acknowledge(to, ["x"]),
  ];
}

async function expectRefusal(
  stage: Stage,
  call: () => Promise<unknown>,
  { code, status }: { readonly code: string; readonly status: number },
): Promise<void> {
  const refusal = await call().catch((reason: unknown) => reason);
  expect(refusal).toBeInstanceOf(SdkRefusal);
  expect(refusal).toMatchObject({ code });
  if (stage.sdk.quirks.tellsStatus) expect(refusal).toMatchObject({ status });
}
