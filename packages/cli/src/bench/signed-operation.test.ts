import { createSecretKey } from "node:crypto";
import { parseAuthorization, parseOperation, verifySignature } from "@stagemq/wire";
import { describe, expect, it } from "vitest";
import { SignedOperation } from "./signed-operation.ts";

const CALLER = {
  endpoint: new URL("http://127.0.0.1:4876"),
  accessKeyId: "dev",
  accessKeySecret: "dev-secret",
  securityToken: "token",
};

/** A request as a server reads it. */
function readRequest(bytes: Buffer) {
  const [head = "", body] = bytes.toString().split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = Object.fromEntries(lines.map((each) => each.split(": ") as [string, string]));
  return { method, target, headers, body };
}

describe("a signed operation", () => {
  it("signs each request as the broker checks it, with the date of its second", () => {
    let at = Date.UTC(2026, 10, 21, 4, 2, 37, 900);
    const operation = new SignedOperation({ name: "publish-message", topic: "a b" }, CALLER, () => at);
    for (const second of ["37", "38"]) {
      const { method, target, headers, body } = readRequest(operation.toBytes("dépôt"));
      expect(headers.date).toBe(`Sat, 21 Nov 2026 04:02:${second} GMT`);
      expect(parseOperation(method, target)).toEqual({ operation: { name: "publish-message", topic: "a b" } });
      const { signature = "" } = parseAuthorization(headers.authorization ?? "") ?? {};
      expect(
        verifySignature({ method, target, headers }, createSecretKey(Buffer.from("dev-secret")), signature).valid,
      ).toBe(true);
      expect([headers["content-length"], body]).toEqual(["7", "dépôt"]);
      expect(headers).toMatchObject({ host: "127.0.0.1:4876", "security-token": "token" });
      at += 100;
    }
  });
});
