import { beforeEach, describe, expect, it } from "vitest";
import type { Host } from "../host.ts";
import { checkCompat, formatFindings } from "./check-compat.ts";

/** Nobody listens there. */
const URL_OF_NOBODY = "http://127.0.0.1:9";
let told: string;
let answered: string;
let asked: string[];
let host: Pick<Host, "environment" | "interactive" | "tell" | "answer" | "ask">;

beforeEach(() => {
  [told, answered, asked] = ["", "", []];
  host = {
    environment: { ALIBABA_CLOUD_ACCESS_KEY_ID: "dev", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "hush" },
    interactive: true,
    tell: (text) => {
      told += text;
    },
    answer: (text) => {
      answered += text;
    },
    ask: async (question) => {
      asked.push(question);
      return "n";
    },
  };
});

const run = (url: string, flags = {}) => checkCompat(url, flags, host as Host);

describe("check-compat", () => {
  it.each(["127.0.0.1:4876", "http://127.0.0.1:4876/", "http://x/topics", "ftp://x", "x"])(
    "takes no %s for an endpoint",
    async (url) => {
      expect(await run(url)).toBe(2);
      expect(told).toBe(`${url} is no endpoint: http://HOST:PORT, no path, no slash at the end.\n`);
    },
  );

  it("needs credentials from the environment", async () => {
    host = { ...host, environment: { ALIBABA_CLOUD_ACCESS_KEY_ID: "dev" } };
    expect(await run(URL_OF_NOBODY)).toBe(2);
    expect(told).toMatch(/^Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET;/);
  });

  it("says to which topics it will publish, and publishes nothing unless told yes", async () => {
    expect(await run(URL_OF_NOBODY, { topics: "try", group: "GID_try", instance: "MQ_INST_dev" })).toBe(1);
    for (const word of ["try_normal", "try_delayed", "try_ordered", "try_transactional", "GID_try_2", "in MQ_INST_dev"])
      expect(told).toContain(word);
    expect(told).not.toContain("hush");
    expect(told.endsWith("Nothing was published.\n")).toBe(true);
    expect(asked).toEqual(["Go on? [y/N] "]);
    expect(answered).toBe("");
  });

  it("does not go on by itself where nobody can answer", async () => {
    host = { ...host, interactive: false };
    expect(await run(URL_OF_NOBODY)).toBe(2);
    expect(told).toContain("Here is nobody to ask. Add --yes");
  });

  it("fails, and says what went wrong with every item, where nobody answers", async () => {
    expect(await run(URL_OF_NOBODY, { yes: true, json: true })).toBe(1);
    const findings = JSON.parse(answered) as { item: number; verdict: string; says: string }[];
    expect(findings).toHaveLength(100);
    expect(findings.filter(({ verdict }) => verdict === "fits").map(({ item }) => item)).toEqual([20]);
    expect(findings.find(({ item }) => item === 38)).toMatchObject({
      verdict: "broken off",
      says: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("says what to do where topics are missing", () => {
    const says = 'an empty poll: "404 MessageNotExist" was expected, "404 TopicNotExist" came';
    const findings = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ item: index + 1, verdict: "differs", says }) as const);
    expect(formatFindings(findings(20))).toMatch(
      /topics or groups .* do not exist there: make them, and try again\.\n$/,
    );
    expect(formatFindings(findings(2))).not.toContain("make them");
  });

  it("tells people once what broke many items off", async () => {
    expect(await run(URL_OF_NOBODY, { yes: true })).toBe(1);
    expect(answered.match(/ECONNREFUSED/g)).toHaveLength(1);
    expect(answered).toMatch(/^broken {4}\d\d items: connect ECONNREFUSED 127\.0\.0\.1:9$/m);
  });
});
