import type { Command } from "commander";
import { FORMATS } from "../messages/open-printer.ts";
import { withExample } from "./command-line.ts";

/** Of every command that uses the client. The example is a whole command. */
export function addClientFlags(command: Command, example: string): Command {
  const told = (sentence: string, words: string) => withExample(sentence, `${example} ${words}`);
  return command
    .option(
      "--endpoint <URL>",
      told(
        "http://HOST:PORT. Default: STAGEMQ_ENDPOINT, or http://127.0.0.1:4876.",
        "--endpoint http://127.0.0.1:4877",
      ),
    )
    .option(
      "--access-key-id <ID>",
      told("Default: ALIBABA_CLOUD_ACCESS_KEY_ID, or dev.", "--access-key-id shop --access-key-secret hush"),
    )
    .option(
      "--access-key-secret <SECRET>",
      told(
        "Default: ALIBABA_CLOUD_ACCESS_KEY_SECRET, or dev-secret. Others on this machine can see it here.",
        "--access-key-id shop --access-key-secret hush",
      ),
    )
    .option(
      "--security-token <TOKEN>",
      told("Of a temporary access key. Default: ALIBABA_CLOUD_SECURITY_TOKEN.", "--security-token CAIS5wN…"),
    )
    .option(
      "-i, --instance <ID>",
      told("The instance of topic and group. Default: none is named.", "--instance MQ_INST_dev"),
    )
    .option(
      `-o, --output <${FORMATS.join("|")}>`,
      told("How standard output is written. Default: table.", "--output ndjson"),
    )
    .option("-q, --quiet", told("Shows no progress.", "--quiet"))
    .allowExcessArguments(false);
}
