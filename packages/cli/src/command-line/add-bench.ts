import type { BenchFlags } from "../commands/bench.ts";
import { addOutputFlags, type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addBench({ program, host, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) => withExample(sentence, `stagemq bench ${words}`);
  const command = program
    .command("bench")
    .description(
      told(
        "Publishes to any endpoint as fast as it goes, and says how fast that was.",
        "--conns 64 --size 500 --time 30s --verify",
      ),
    )
    .helpOption(...helpOf("stagemq bench"))
    .option(
      "--endpoint <URL>",
      told(
        "http://HOST:PORT. Default: STAGEMQ_ENDPOINT, or http://127.0.0.1:4876.",
        "--endpoint http://127.0.0.1:4877",
      ),
    )
    .option("--conns <N>", told("Connections that publish, one message after the other. Default: 64.", "--conns 8"))
    .option("--size <BYTES>", told("Size of a body, up to 4m. Default: 500.", "--size 64k"))
    .option("--time <SPAN>", told("How long to publish, up to 1h. Default: 10s.", "--time 30s"))
    .option("--messages <N>", told("Publishes so many at most.", "--messages 100000"))
    .option(
      "--verify",
      told("Receives and acknowledges as well, and checks that nothing is lost or changed.", "--verify"),
    )
    .option(
      "--ordered",
      told(
        "A sharding key for each connection; with --verify, their order is checked too.",
        "--topic bench_ordered --ordered --verify",
      ),
    )
    .option("--topic <NAME>", told("The topic. Default: stagemq_bench.", "--topic try"))
    .option("--group <ID>", told("The group. Default: GID_stagemq_bench.", "--group GID_try --verify"))
    .option("--instance <ID>", told("The instance of the topic. Default: none is named.", "--instance MQ_INST_dev"))
    .option("--yes", told("Does not ask before it publishes beyond this machine.", "--yes"));
  addOutputFlags(command, "stagemq bench").action(async (flags: BenchFlags) => {
    const { bench } = await import("../commands/bench.ts");
    endWith(await bench(flags, host));
  });
}
