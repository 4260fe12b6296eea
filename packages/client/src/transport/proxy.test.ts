import { describe, expect, it } from "vitest";
import { type Environment, findProxy } from "./proxy.ts";

const find = (endpoint: string, environment: Environment) => findProxy(new URL(endpoint), environment)?.href;

describe("findProxy", () => {
  const found: [string, Environment, string | undefined][] = [
    ["http://mq.example.com", {}, undefined],
    ["http://mq.example.com", { HTTP_PROXY: "http://p:3128" }, "http://p:3128/"],
    ["http://mq.example.com", { http_proxy: "http://low", HTTP_PROXY: "http://up" }, "http://low/"],
    ["http://mq.example.com", { http_proxy: "p:3128" }, "http://p:3128/"],
    ["http://mq.example.com", { HTTPS_PROXY: "http://p" }, undefined],
    ["https://mq.example.com", { HTTPS_PROXY: "http://p", HTTP_PROXY: "http://q" }, "http://p/"],
    ["https://mq.example.com", { https_proxy: "" }, undefined],
    ["http://127.0.0.1:8080", { http_proxy: "http://p" }, undefined],
    ["http://localhost:8080", { http_proxy: "http://p" }, undefined],
    ["http://[::1]:8080", { http_proxy: "http://p" }, undefined],
  ];
  it.each(found)("for %s and %o is %s", (endpoint, environment, proxy) => {
    expect(find(endpoint, environment)).toBe(proxy);
  });

  const excepted: [string, string, boolean][] = [
    ["http://mq.example.com", "*", true],
    ["http://mq.example.com", "example.com", true],
    ["http://mq.example.com", ".example.com", true],
    ["http://mq.example.com", "*.example.com", true],
    ["http://mq.example.com", "MQ.EXAMPLE.COM", true],
    ["http://mq.example.com", "other, mq.example.com:80", true],
    ["http://mq.example.com", "mq.example.com:8080", false],
    ["http://mq.example.com:8080", "mq.example.com:8080", true],
    ["http://mqexample.com", "example.com", false],
    ["http://10.0.0.1", "10.0.0.1", true],
    ["http://10.0.0.1", "10.0.0.2", false],
    ["http://[fe80::1]:8080", "fe80::1", true],
    ["http://[fe80::1]:8080", "[fe80::1]", true],
    ["http://[fe80::1]:8080", "[fe80::1]:80", false],
    ["http://[fe80::1]:8080", "fe80::2", false],
  ];
  it.each(excepted)("of %s with NO_PROXY=%s is excepted: %s", (endpoint, exceptions, isExcepted) => {
    for (const name of ["no_proxy", "NO_PROXY"]) {
      expect(find(endpoint, { http_proxy: "http://p", [name]: exceptions }) === undefined).toBe(isExcepted);
    }
  });

  it("refuses what is no proxy, and does not tell its password", () => {
    const refuse = (): unknown => find("http://mq.example.com", { http_proxy: "socks5://me:secret@p:1" });
    expect(refuse).toThrow(
      'The proxy "socks5://…@p:1" (http_proxy) is not legal: http://, a host, and a port if need be.',
    );
  });
});
