import type { OfficialKit } from "./sdks.ts";

/** What an SDK does that its user would not expect, against this broker and against the cloud service alike. */
export interface KnownQuirk {
  readonly sdks: readonly OfficialKit["name"][];
  readonly quirk: string;
  readonly wayRound: string;
}

export const KNOWN_QUIRKS: readonly KnownQuirk[] = [
  {
    sdks: ["Node"],
    quirk: "It wraps text in CDATA without escaping it, so a body with `]]>` is malformed XML and refused.",
    wayRound: "Encode such a body, with Base64 for one.",
  },
  {
    sdks: ["Node"],
    quirk: "It gives up on a publish or an acknowledgement after 3 s; the message may have been stored all the same.",
    wayRound: "Publish again with the same message key, and let the consumer drop what it has had.",
  },
  {
    sdks: ["Node"],
    quirk: "When single handles are refused it does not throw: it returns status 404 and a list.",
    wayRound: "Look at `code` and `body` of what `ackMessage`, `commit` and `rollback` return.",
  },
  {
    sdks: ["Node"],
    quirk:
      "It lets a message key with a colon through, which no SDK can read back: it is left out when the message is delivered.",
    wayRound: "Use no colon in keys and properties.",
  },
  {
    sdks: ["Node"],
    quirk: "On a delivered transactional message `StartDeliverTime` holds the check immunity.",
    wayRound: "Read `Properties`, not the field.",
  },
  {
    sdks: ["Python"],
    quirk: "On Python 3 it cannot speak https.",
    wayRound: "Use plain http, inside a network that you trust.",
  },
  {
    sdks: ["Python"],
    quirk: "A client has one connection and serves one thread.",
    wayRound: "Make a client per thread.",
  },
  {
    sdks: ["Python"],
    quirk: "After the broker was restarted the first call on an old connection may fail.",
    wayRound: "Call again; a publish that is repeated is a second message.",
  },
  {
    sdks: ["Go"],
    quirk: "`go get` finds no versions of some modules that it needs.",
    wayRound: "Write the versions into go.mod; the page of the Go SDK shows them.",
  },
  {
    sdks: ["Go"],
    quirk:
      "An error that concerns the whole request has no `Detail`; the official samples assert that it has, and crash.",
    wayRound: "Ask whether the type assertion holds.",
  },
  {
    sdks: ["Go"],
    quirk: "Without an instance, commit and rollback name no group.",
    wayRound: "None is needed: the broker looks at the handle.",
  },
  {
    sdks: ["Go"],
    quirk:
      "It reads for 35 s and asks again by itself when a connection closes without an answer: two messages may be stored.",
    wayRound: "Keep the wait at 30 s or less; give messages a key.",
  },
  {
    sdks: ["Java"],
    quirk: "On Java 11 and later, without JAXB on the class path, every refusal ends in `Client wait result timeout!`.",
    wayRound: "Add `org.glassfish.jaxb:jaxb-runtime:2.3.9`.",
  },
  {
    sdks: ["Java"],
    quirk: "It does not escape topics, and cannot send `%DLQ%GID_x`.",
    wayRound: "Ask for `%25DLQ%25GID_x`.",
  },
  {
    sdks: ["Java"],
    quirk:
      "In its unreleased `master` producers and consumers are one per process: the second `getConsumer` returns the first.",
    wayRound: "Use the release 1.0.3.2.",
  },
  {
    sdks: ["PHP"],
    quirk: "It throws on waits above 30 s, and gives up on a request after 35 s and on a connection after 3 s.",
    wayRound: "Both are in `Config`.",
  },
  {
    sdks: ["PHP"],
    quirk: "On PHP 8 `consumeHalfMessage` and properties that a message has not print warnings.",
    wayRound: "They are harmless; lower `error_reporting`.",
  },
  {
    sdks: ["PHP"],
    quirk: "A body of nothing but white space arrives as NULL.",
    wayRound: "Send a body with a visible character.",
  },
  {
    sdks: ["C#"],
    quirk: "The key comes first: `new MQClient(id, secret, endpoint)`.",
    wayRound: "Mind the order.",
  },
  {
    sdks: ["C#"],
    quirk: "`MessageKey` and `ShardingKey` throw on a message that has none.",
    wayRound: "Ask `Properties`.",
  },
  {
    sdks: ["C#"],
    quirk: "Its `master` after 1.0.5 gives up on every request after 3 s, long polls too.",
    wayRound: "Use 1.0.5, or wait for less than 3 s.",
  },
  {
    sdks: ["C#", "C++"],
    quirk: "They repeat a publish up to three times by themselves, after a 5xx or a broken connection.",
    wayRound: "Give messages a key, and let the consumer drop what it has had.",
  },
  {
    sdks: ["C++"],
    quirk: "When single handles are refused it does not throw.",
    wayRound: "Ask `isSuccess()` and `getAckMessageFailedItem()`.",
  },
  {
    sdks: ["C++"],
    quirk: "After its first publish it sends freed memory of your process as the body of polls.",
    wayRound: "This broker reads that away, and never logs it. Speak to it inside a network that you trust.",
  },
  {
    sdks: ["Python", "Go", "Java", "PHP", "C#", "C++"],
    quirk: "They refuse a message key or a property with one of `& \" ' < > : |` by themselves.",
    wayRound: "Use none of them.",
  },
];
