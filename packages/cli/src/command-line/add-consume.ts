import type { ConsumeFlags } from "../commands/consume.ts";
import { addClientFlags } from "./add-client-flags.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addConsume({ program, host, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) => withExample(sentence, `stagemq consume ${words}`);
  const command = program
    .command("consume")
    .description(
      told("Prints messages of a topic, and acknowledges what it has printed.", "orders --group GID_billing"),
    )
    .helpOption(...helpOf("stagemq consume"))
    .argument("<topic>", "The topic.")
    .option("-g, --group <ID>", told("The consumer group; it is needed.", "orders --group GID_billing"))
    .option(
      "--ordered",
      told(
        "In order: no message of a queue before the earlier ones are acknowledged.",
        "order_events --group GID_billing --ordered",
      ),
    )
    .option(
      "--tag <TAG>",
      told(
        "Only these; for the group, others are passed over for good.",
        "orders --group GID_billing --tag 'paid||sent'",
      ),
    )
    .option("-n, --number <N>", told("So many at most. Default: 16.", "orders --group GID_billing --number 100"))
    .option(
      "--wait <SPAN>",
      told("How long to wait for the first, 0s to 30s. Default: 5s.", "orders --group GID_billing --wait 30s"),
    )
    .option(
      "--no-acknowledge",
      told(
        "Only looks: they come again after 5 min, in order after 1 min.",
        "orders --group GID_billing --no-acknowledge",
      ),
    )
    .option("--follow", told("Goes on until Ctrl-C, and waits for more.", "orders --group GID_billing --follow"));
  addClientFlags(command, "stagemq consume orders --group GID_billing").action(
    async (topic: string, flags: ConsumeFlags) => {
      const { consume } = await import("../commands/consume.ts");
      endWith(await consume(topic, flags, host));
    },
  );
}
