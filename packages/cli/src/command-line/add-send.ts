import type { SendFlags } from "../commands/read-send-flags.ts";
import { TRANSACTION_ENDS } from "../messages/sender.ts";
import { addClientFlags } from "./add-client-flags.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addSend({ program, host, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) => withExample(sentence, `stagemq send ${words}`);
  const command = program
    .command("send")
    .description(
      told("Sends a message to a topic, or one for each line of a file.", "orders hello --tag paid --key order-1"),
    )
    .helpOption(...helpOf("stagemq send"))
    .argument("<topic>", "The topic.")
    .argument("[body]", "The message, as text; - reads it from standard input.")
    .option("--tag <TAG>", told("One label, which consumers may filter by.", "orders hello --tag paid"))
    .option("--key <KEY>", told("A word to find the message by, or several.", "orders hello --key order-1"))
    .option(
      "--sharding-key <KEY>",
      told("Messages with the same one stay in order.", "order_events paid --sharding-key order-1"),
    )
    .option(
      "--property <NAME=VALUE>",
      told("A name and a value of your own; can be given again.", "orders hello --property shop=7 --property by=anna"),
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option(
      "--at <TIME>",
      told("Not before then: +30s, +5m, +2h, +1d, or an instant of ISO 8601.", "reminders 'wake up' --at +30s"),
    )
    .option(
      `--transaction <${TRANSACTION_ENDS.join("|")}>`,
      told(
        "Sends a half message, and then does this with it; left, it is asked about.",
        "payments 'payment 1' --transaction leave --group GID_payments",
      ),
    )
    .option(
      "-g, --group <ID>",
      told(
        "The producer group, which may be asked about a transaction.",
        "payments 'payment 1' --transaction commit --group GID_payments",
      ),
    )
    .option(
      "--file <FILE>",
      told(
        "A message a line, as consume -o ndjson prints it; - is standard input. Other flags count where a line says nothing.",
        "orders --file orders.ndjson",
      ),
    )
    .option(
      "--rate <N>",
      told("Of a file: so many messages a second at most.", "orders --file orders.ndjson --rate 500"),
    );
  addClientFlags(command, "stagemq send orders hello").action(
    async (topic: string, body: string | undefined, flags: SendFlags) => {
      const { send } = await import("../commands/send.ts");
      endWith(await send(topic, body, flags, host));
    },
  );
}
