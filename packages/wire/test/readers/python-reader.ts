/** Python SDK 1.0.3: minidom, the data of each element's first child; many children are required, header names have case. */
import { propertiesBetweenBars } from "./properties.ts";
import { reader } from "./reader.ts";
import {
  type Fields,
  failureFields,
  headerExactly,
  messageFields,
  numberFields,
  type RawResponse,
  refusalFields,
  type Seen,
  type SeenMessage,
  Unreadable,
  withText,
} from "./seen.ts";
import { elementsNamed, parseTree, strict, type XmlElement, type XmlNode } from "./xml.ts";

type Dictionary = ReadonlyMap<string, string>;

export const pythonReader = reader("Python", (response, operation) => {
  const isAcknowledging = operation === "acknowledge" || operation === "end-transaction";
  // mq_client.py:253-270: redirections count as success, too.
  if (response.status < 200 || response.status >= 400) {
    return isAcknowledging ? failedAcknowledgement(response) : refused(response);
  }
  switch (operation) {
    case "publish": {
      const published = dictionary(nodesOf(response, "Message"), "kept");
      needs(published, ["MessageId", "MessageBodyMD5"]);
      return { kind: "published", message: withText(published) };
    }
    case "consume":
      return {
        kind: "messages",
        messages: listOf(nodesOf(response, "Messages"), "Message").map(message),
      };
    default:
      return { kind: "acknowledged" };
  }
});

function refused(response: RawResponse): Seen {
  const error = dictionary(nodesOf(response, "Error"), "kept");
  needs(error, refusalFields);
  return { kind: "refused", as: "MQServerException", refusal: withText(error) };
}

function failedAcknowledgement(response: RawResponse): Seen {
  try {
    return refused(response);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  const errors = listOf(nodesOf(response, "Errors"), "Error");
  if (errors.length === 0) throw damaged("no Error in Errors");
  for (const error of errors) {
    const names = [...error.keys()].sort().join();
    if (names !== [...failureFields].sort().join())
      throw damaged(`an Error with ${names}, not exactly ${failureFields}`);
  }
  // mq_client.py:265-266
  const requestId = headerExactly(response, "x-mq-request-id");
  if (requestId === undefined) throw new Unreadable("KeyError: 'x-mq-request-id'");
  return {
    kind: "failed handles",
    as: `MQServerException ${errors[0]?.get("ErrorCode")} with sub_errors`,
    failures: errors.map((error) => withText(error)),
    requestId,
  };
}

function nodesOf(response: RawResponse, name: string): readonly XmlNode[] {
  const found = elementsNamed(parseTree(response.body, strict), name)[0];
  if (found === undefined) throw damaged(`no element with tag name '${name}'`);
  return found.children;
}

function listOf(nodes: readonly XmlNode[], name: string): Dictionary[] {
  const named = nodes.filter((node): node is XmlElement => node.type === "element" && node.name === name);
  return named.map((element) => dictionary(element.children, "dropped"));
}

/** One dictionary is made with empty elements in it, the list of dictionaries without (mq_xml_handler.py:111-134). */
function dictionary(nodes: readonly XmlNode[], empty: "kept" | "dropped"): Dictionary {
  const found = new Map<string, string>();
  for (const node of nodes) {
    if (node.type === "text") continue;
    // A comment's children are a tuple, which no list equals: it is asked for its first child.
    if (node.type !== "element") throw new Unreadable("AttributeError: 'NoneType' object has no attribute 'data'");
    const first = node.children[0];
    if (first?.type === "element") throw new Unreadable("AttributeError: 'Element' object has no attribute 'data'");
    if (first !== undefined || empty === "kept") found.set(node.name, first?.value ?? "");
  }
  return found;
}

function needs(given: Dictionary, names: readonly string[]): void {
  for (const name of names) if (!given.has(name)) throw damaged(`${name} is missing`);
}

function damaged(why: string): Unreadable {
  return new Unreadable(`RespDataDamaged: ${why}`);
}

const OPTIONAL: ReadonlySet<string> = new Set(["MessageBodyMD5", "MessageTag"]);

function message(given: Dictionary): SeenMessage {
  // mq_xml_handler.py:139-148
  needs(
    given,
    messageFields.filter((name) => !OPTIONAL.has(name)),
  );
  for (const name of numberFields) {
    const text = given.get(name) ?? "";
    if (!/^[+-]?\d+$/.test(text.trim())) throw damaged(`int('${text}') of ${name}`);
  }
  return {
    fields: fieldsOf(given),
    properties: propertiesBetweenBars(given.get("Properties")),
  };
}

function fieldsOf(given: Dictionary): Fields {
  return withText(messageFields.map((name) => [name, given.get(name)]));
}
