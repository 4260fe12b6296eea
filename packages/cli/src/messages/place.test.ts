import { describe, expect, it } from "vitest";
import { toPlace } from "./place.ts";

const KEYS = { ALIBABA_CLOUD_ACCESS_KEY_ID: "shop", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "hush" };

describe("where a command finds its broker", () => {
  it("is a broker for development on this machine, unless something else is said", () => {
    expect(toPlace({}, {})).toEqual({
      endpoint: "http://127.0.0.1:4876",
      credentials: { accessKeyId: "dev", accessKeySecret: "dev-secret" },
      instanceId: undefined,
    });
  });

  it("is what the environment says", () => {
    const environment = { ...KEYS, ALIBABA_CLOUD_SECURITY_TOKEN: "token", STAGEMQ_ENDPOINT: "http://mq:1" };
    expect(toPlace({}, environment)).toEqual({
      endpoint: "http://mq:1",
      credentials: { accessKeyId: "shop", accessKeySecret: "hush", securityToken: "token" },
      instanceId: undefined,
    });
  });

  it("is what the flags say, whatever the environment says", () => {
    const flags = {
      endpoint: "http://other:2",
      accessKeyId: "a",
      accessKeySecret: "b",
      securityToken: "c",
      instance: "MQ_INST_a",
    };
    const environment = { ...KEYS, ALIBABA_CLOUD_SECURITY_TOKEN: "token", STAGEMQ_ENDPOINT: "http://mq:1" };
    expect(toPlace(flags, environment)).toEqual({
      endpoint: "http://other:2",
      credentials: { accessKeyId: "a", accessKeySecret: "b", securityToken: "c" },
      instanceId: "MQ_INST_a",
    });
  });

  it("the token in the environment is not sent with another key", () => {
    const environment = { ...KEYS, ALIBABA_CLOUD_SECURITY_TOKEN: "token" };
    const { credentials } = toPlace({ accessKeyId: "a", accessKeySecret: "b" }, environment);
    expect(credentials.securityToken).toBeUndefined();
  });

  it("an empty variable is none", () => {
    const environment = {
      STAGEMQ_ENDPOINT: "",
      ALIBABA_CLOUD_ACCESS_KEY_ID: "",
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: "",
      ALIBABA_CLOUD_SECURITY_TOKEN: "",
    };
    expect(toPlace({}, environment)).toEqual(toPlace({}, {}));
  });

  it.each([
    [
      { accessKeyId: "a" },
      "The access key has no secret: give --access-key-secret, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET.",
    ],
    [
      { accessKeySecret: "b" },
      "The secret has no access key: give --access-key-id, or set ALIBABA_CLOUD_ACCESS_KEY_ID.",
    ],
  ])("half a key is refused: %j", (flags, sentence) => {
    expect(() => toPlace(flags, {})).toThrow(sentence);
  });
});
