import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "./errors/invalid-argument-error.ts";
import { readOptions, type TestedClientOptions } from "./read-options.ts";

const WHOLE = { endpoint: "http://127.0.0.1:8080", accessKeyId: "id", accessKeySecret: "secret" };
const read = (options: TestedClientOptions) => readOptions({ environment: {}, ...options });

describe("options", () => {
  it("come from the environment where they are not given", async () => {
    const environment = {
      STAGEMQ_ENDPOINT: "https://mq.example.com",
      ALIBABA_CLOUD_ACCESS_KEY_ID: "id",
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: "secret",
      ALIBABA_CLOUD_SECURITY_TOKEN: "token",
    };
    const { endpoint, credentials } = readOptions({ environment });
    expect(endpoint.href).toBe("https://mq.example.com/");
    expect(await credentials()).toEqual({ accessKeyId: "id", accessKeySecret: "secret", securityToken: "token" });
    const given = readOptions({ environment, ...WHOLE, securityToken: "other" });
    expect(given.endpoint.href).toBe("http://127.0.0.1:8080/");
    expect(await given.credentials()).toMatchObject({ securityToken: "other" });
  });

  it("do not mix a key that was given with the token of another in the environment", async () => {
    const { credentials } = readOptions({ environment: { ALIBABA_CLOUD_SECURITY_TOKEN: "token" }, ...WHOLE });
    expect((await credentials()).securityToken).toBeUndefined();
  });

  it("have defaults", () => {
    expect(read(WHOLE)).toMatchObject({
      maxConnections: 64,
      timeoutMs: 10_000,
      retry: { attempts: 3, baseDelayMs: 100, maxDelayMs: 2_000 },
      instance: undefined,
    });
    expect(read({ ...WHOLE, retry: false }).retry.attempts).toBe(1);
  });

  const refused: [TestedClientOptions, string][] = [
    [
      {},
      "There is no endpoint: give one, new Client({ endpoint }), or set STAGEMQ_ENDPOINT, to http://127.0.0.1:4876 for example.",
    ],
    [
      { ...WHOLE, endpoint: "127.0.0.1:8080" },
      'The endpoint "127.0.0.1:8080" is not legal: http:// or https://, a host, and a port if need be; no path.',
    ],
    [{ ...WHOLE, endpoint: "http://h/path" }, 'The endpoint "http://h/path" is not legal'],
    [{ ...WHOLE, endpoint: "http://me@h" }, 'The endpoint "http://me@h" is not legal'],
    [{ ...WHOLE, endpoint: "ftp://h" }, 'The endpoint "ftp://h" is not legal'],
    [
      { endpoint: "http://h" },
      "There is no access key: give accessKeyId and accessKeySecret, or credentials, or set ALIBABA_CLOUD_ACCESS_KEY_ID.",
    ],
    [
      { endpoint: "http://h", accessKeyId: "id" },
      "There is no secret of an access key: give accessKeyId and accessKeySecret, or credentials, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET.",
    ],
    [{ ...WHOLE, maxConnections: 1 }, "maxConnections is 1; it should be a whole number, at least 2."],
    [
      { ...WHOLE, timeout: "soon" },
      'timeout is "soon"; it should be milliseconds, or a text such as "250ms", "10s", "5m", "2h", "1d".',
    ],
    [{ ...WHOLE, timeout: -1 }, "timeout is -1; it should be milliseconds"],
    [{ ...WHOLE, retry: { attempts: 0 } }, "retry.attempts is 0; it should be a whole number, at least 1."],
    [{ ...WHOLE, instanceId: "a b" }, 'The instance "a b" is not legal: 1 to 64 letters, digits, "_" or "-".'],
  ];
  it.each(refused)("such as %o are refused: %s", (options, sentence) => {
    expect(() => read(options)).toThrow(sentence);
    expect(() => read(options)).toThrow(InvalidArgumentError);
  });
});
