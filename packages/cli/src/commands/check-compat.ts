import { checkEndpoint } from "../compat/check-endpoint.ts";
import type { Place } from "../compat/scene.ts";
import type { Finding } from "../compat/sheet.ts";
import { PARTLY } from "../compat/unseen.ts";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";

/** What the command line of `check-compat` says. */
export interface CheckCompatFlags {
  readonly instance?: string;
  readonly topics?: string;
  readonly group?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const KEY_VARIABLES = ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"] as const;
const FEW = 10;
const NO_TOPIC = '"404 TopicNotExist" came';
const DECLARE_THEM =
  "Much of that is because topics or groups that were named above do not exist there: make them, and try again.";
const KINDS = ["normal", "delayed", "ordered", "transactional"] as const;

/** Holds any endpoint against the wire's checklist; asks before it publishes. Resolves to the exit code. */
export async function checkCompat(url: string, flags: CheckCompatFlags, host: Host): Promise<number> {
  const endpoint = readEndpoint(url);
  if (endpoint === undefined)
    return refuse(host, `${url} is no endpoint: http://HOST:PORT, no path, no slash at the end.`);
  const [accessKeyId, accessKeySecret] = KEY_VARIABLES.map((name) => host.environment[name]);
  if (!accessKeyId || !accessKeySecret)
    return refuse(host, `Set ${KEY_VARIABLES.join(" and ")}; stagemq dev knows dev and dev-secret.`);
  const place = toPlace(endpoint, { accessKeyId, accessKeySecret }, flags, host);

  host.tell(`${describePlan(place)}\n`);
  if (!flags.yes && !host.interactive) return refuse(host, "Here is nobody to ask. Add --yes to go on without asking.");
  if (!flags.yes && !/^y(es)?$/i.test((await host.ask("Go on? [y/N] ")).trim())) {
    host.tell("Nothing was published.\n");
    return EXIT.failure;
  }
  const findings = await checkEndpoint(place);
  host.answer(flags.json ? `${JSON.stringify(findings)}\n` : formatFindings(findings));
  return findings.some(({ verdict }) => verdict === "differs" || verdict === "broken off") ? EXIT.failure : EXIT.ok;
}

function readEndpoint(url: string): URL | undefined {
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = endpoint?.pathname === "/" && endpoint.search === "" && !url.endsWith("/");
  return isPlain && /^https?:$/.test(endpoint.protocol) ? endpoint : undefined;
}

function toPlace(
  endpoint: URL,
  keys: Pick<Place, "accessKeyId" | "accessKeySecret">,
  { instance, topics = "stagemq_compat", group = "GID_stagemq_compat" }: CheckCompatFlags,
  { environment }: Host,
): Place {
  const names = KINDS.map((kind) => [kind, `${topics}_${kind}`]);
  return {
    endpoint,
    ...keys,
    securityToken: environment.ALIBABA_CLOUD_SECURITY_TOKEN || undefined,
    instance,
    topics: Object.fromEntries(names) as Place["topics"],
    group,
    otherGroup: `${group}_2`,
  };
}

function describePlan({ endpoint, instance, topics, group, otherGroup }: Place): string {
  const where = instance === undefined ? "without an instance" : `in ${instance}`;
  return `stagemq check-compat will publish some 40 messages at ${endpoint.origin}, ${where}, one of them of 4 MiB, to
  ${Object.values(topics).join("\n  ")}
and it polls and acknowledges EVERYTHING that lies there for the groups
  ${group}
  ${otherGroup}
Topics and groups must exist, each topic of the kind that its name ends with, unless the endpoint makes them by use.
It takes about 75 s.`;
}

/** What was found, for people. */
export function formatFindings(findings: readonly Finding[]): string {
  const of = (verdict: Finding["verdict"]) => findings.filter((finding) => finding.verdict === verdict);
  const [differing, broken, unseen, fitting] = [of("differs"), of("broken off"), of("not seen"), of("fits")];
  const lines = [
    ...differing.map(({ item, says }) => `differs   WIRE-${item}: ${says}`),
    ...groupBySaying(broken).map(([says, items]) => `broken    ${items}: ${says}`),
    ...unseen.map(({ item, says }) => `not seen  WIRE-${item}: ${says}`),
    ...fitting.flatMap(({ item }) => (item in PARTLY ? [`in part   WIRE-${item}: ${PARTLY[item]}`] : [])),
    `${fitting.length} of ${findings.length} items fit, ${differing.length} differ, ${broken.length} broke off, ${unseen.length} were not seen. What each says: docs/rules/wire.md`,
  ];
  if (differing.filter(({ says }) => says.includes(NO_TOPIC)).length > FEW) lines.push(DECLARE_THEM);
  return `${lines.join("\n")}\n`;
}

/** One trouble, such as that nobody listens, can break many items off: it is told once. */
function groupBySaying(findings: readonly Finding[]): readonly (readonly [says: string, items: string])[] {
  const sayings = [...new Set(findings.map(({ says }) => says))];
  return sayings.map((saying) => {
    const items = findings.flatMap(({ item, says }) => (says === saying ? [`WIRE-${item}`] : []));
    return [saying, items.length > FEW ? `${items.length} items` : items.join(", ")];
  });
}

function refuse(host: Host, sentence: string): number {
  host.tell(`${sentence}\n`);
  return EXIT.usage;
}
