import { execFile } from "node:child_process";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildOnce } from "./build-once.ts";
import type { DriverCommand } from "./driver-process.ts";
import { DriverSdk } from "./driver-sdk.ts";
import type { Quirks, Sdk } from "./sdk.ts";

/** One folder per language. */
export const DRIVERS = join(import.meta.dirname, "drivers");
const run = promisify(execFile);

/** What plays the scenarios: what it is, and what it takes to run it here. */
export interface SdkKit {
  readonly name: string;
  /** What its registry calls it, or the repository it comes from. */
  readonly package: string;
  readonly version: string;
  readonly comesFrom: string;
  readonly quirks: Quirks;
  readonly isProcessPerClient?: boolean;
  /** The variable that names the folder of its source, where no registry has it. */
  readonly sourceVariable?: string;
  /** Prints the version of the tool chain; fails where there is none. */
  readonly probe: readonly string[];
  /** What to install where the probe fails. */
  readonly needs: string;
  prepare(source: string): Promise<DriverCommand>;
}

/** One of the seven official SDKs. */
export interface OfficialKit extends SdkKit {
  readonly name: "Node" | "Python" | "Go" | "Java" | "PHP" | "C#" | "C++";
}

export const PLAIN: Quirks = {
  escapesText: true,
  tellsStatus: false,
  refusesColons: true,
  leavesTopicsUnescaped: false,
};

export const NODE: Pick<SdkKit, "probe" | "needs"> = {
  probe: [process.execPath, "-p", "'Node ' + process.version"],
  needs: "Node",
};

export const SDKS: readonly OfficialKit[] = [
  {
    name: "Node",
    package: "@aliyunmq/mq-http-sdk",
    version: "1.0.4",
    comesFrom: "npm",
    quirks: { ...PLAIN, escapesText: false, tellsStatus: true, refusesColons: false },
    ...NODE,
    prepare: async () => ({ program: process.execPath, args: [join(DRIVERS, "node/driver.mjs")] }),
  },
  {
    name: "Python",
    package: "mq_http_sdk",
    version: "1.0.3",
    comesFrom: "PyPI",
    quirks: PLAIN,
    probe: ["python3", "-c", "import ensurepip, sys, venv; print('Python', sys.version.split()[0])"],
    needs: "python3 with venv",
    prepare: preparePython,
  },
  {
    name: "Go",
    package: "github.com/aliyunmq/mq-http-go-sdk",
    version: "1.0.3",
    comesFrom: "the Go module proxy",
    quirks: PLAIN,
    probe: ["go", "version"],
    needs: "go",
    prepare: prepareGo,
  },
  {
    name: "Java",
    package: "com.aliyun.mq:mq-http-sdk",
    version: "1.0.3.2",
    comesFrom: "Maven Central",
    quirks: { ...PLAIN, leavesTopicsUnescaped: true },
    probe: ["sh", "-c", "javac -version && mvn -version >/dev/null"],
    needs: "a JDK and Maven",
    prepare: prepareJava,
  },
  {
    name: "PHP",
    package: "aliyunmq/mq-http-php-sdk",
    version: "1.0.4",
    comesFrom: "its repository",
    quirks: { ...PLAIN, tellsStatus: true },
    isProcessPerClient: true,
    sourceVariable: "STAGEMQ_PHP_SDK",
    probe: ["php", "-r", "require 'GuzzleHttp/autoload.php'; new XMLReader; new XMLWriter; echo 'PHP ', PHP_VERSION;"],
    needs: "php-cli with xml and curl, and guzzle",
    prepare: async (source) => ({
      program: "php",
      args: [join(DRIVERS, "php/driver.php")],
      environment: { STAGEMQ_PHP_SDK: source },
    }),
  },
  {
    name: "C#",
    package: "aliyunmq/mq-http-csharp-sdk",
    version: "1.0.5",
    comesFrom: "its repository",
    quirks: { ...PLAIN, tellsStatus: true },
    sourceVariable: "STAGEMQ_CSHARP_SDK",
    probe: ["sh", "-c", "mcs --version && command -v mono >/dev/null"],
    needs: "mono with mcs",
    prepare: prepareCsharp,
  },
  {
    name: "C++",
    package: "aliyunmq/mq-http-cpp-sdk",
    version: "1.0.3",
    comesFrom: "its repository",
    quirks: { ...PLAIN, tellsStatus: true },
    sourceVariable: "STAGEMQ_CPP_SDK",
    probe: [
      "sh",
      "-c",
      "g++ --version && echo '#include <curl/curl.h>\n#include <nlohmann/json.hpp>' | g++ -E -x c++ - >/dev/null",
    ],
    needs: "g++, libcurl, openssl and nlohmann-json",
    prepare: prepareCpp,
  },
];

export function kitOf(name: OfficialKit["name"]): OfficialKit {
  const kit = SDKS.find((one) => one.name === name);
  if (kit === undefined) throw new Error(`no SDK is called ${name}`);
  return kit;
}

/** Why this SDK cannot run here; undefined where it can. */
export async function whatIsMissing({ sourceVariable, probe, needs }: SdkKit): Promise<string | undefined> {
  if (sourceVariable !== undefined && !process.env[sourceVariable])
    return `no registry has its package, and ${sourceVariable} does not name the folder of its source`;
  return (await askTool(probe)) === undefined ? `it needs ${needs}` : undefined;
}

/** What its tool chain calls itself. */
export async function toolChainOf({ probe }: SdkKit): Promise<string> {
  return (await askTool(probe))?.split("\n")[0]?.trim() ?? "";
}

/** Builds its driver unless that is done, with the package as its registry delivers it. */
export async function openSdk({
  name,
  quirks,
  sourceVariable,
  isProcessPerClient = false,
  prepare,
}: SdkKit): Promise<Sdk> {
  const source = sourceVariable === undefined ? "" : (process.env[sourceVariable] ?? "");
  return new DriverSdk({ name, quirks, command: await prepare(source), isProcessPerClient });
}

async function preparePython(): Promise<DriverCommand> {
  const driver = join(DRIVERS, "python/driver.py");
  return { program: await pythonWithSdk(), args: [driver] };
}

/** The Python of a virtual environment with the SDK. */
export async function pythonWithSdk(): Promise<string> {
  const requirements = join(DRIVERS, "python/requirements.txt");
  const environment = await buildOnce("python", [requirements], async (folder) => {
    await run("python3", ["-m", "venv", folder]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
    await run(join(folder, "bin/python"), pip);
  });
  return join(environment, "bin/python");
}

async function prepareGo(): Promise<DriverCommand> {
  const sources = filesIn("go", ["go.mod", "go.sum", "main.go"]);
  const built = await buildOnce("go", sources, (folder) =>
    run("go", ["build", "-o", join(folder, "driver"), "."], { cwd: join(DRIVERS, "go") }),
  );
  return { program: join(built, "driver"), args: [] };
}

async function prepareJava(): Promise<DriverCommand> {
  const built = await javaClasses();
  // Two cores are shared with the broker: the quick compiler and the small collector.
  const frugal = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  return { program: "java", args: [...frugal, "-cp", `${built}:${join(built, "lib")}/*`, "Driver"] };
}

/** The folder of the driver's classes, with the SDK and what it needs in `lib`. */
export function javaClasses(): Promise<string> {
  const [pom = "", driver = ""] = filesIn("java", ["pom.xml", "Driver.java"]);
  return buildOnce("java", [pom, driver], async (folder) => {
    await copyFile(pom, join(folder, "pom.xml"));
    await run("mvn", ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"], { cwd: folder });
    await run("javac", ["-cp", "lib/*", "-d", ".", driver], { cwd: folder });
  });
}

async function prepareCsharp(source: string): Promise<DriverCommand> {
  const drivers = filesIn("csharp", ["Driver.cs"]);
  const built = await buildOnce("csharp", [...drivers, ...(await csharpSources(source))], (folder) =>
    compileCsharp(source, drivers, join(folder, "driver.exe")),
  );
  return { program: "mono", args: [join(built, "driver.exe")] };
}

/** A program with the SDK's sources. */
export async function compileCsharp(source: string, own: readonly string[], program: string): Promise<void> {
  const references = ["System.Core", "System.Net.Http", "System.Web.Extensions"].map((library) => `-r:${library}`);
  await run("mcs", ["-nologo", "-warn:0", `-out:${program}`, ...references, ...own, ...(await csharpSources(source))]);
}

async function csharpSources(source: string): Promise<readonly string[]> {
  const sdk = (await sourcesIn(join(source, "Aliyun_MQ_SDK"), ".cs")).filter((file) => !file.endsWith("Samples.cs"));
  return [...filesIn("csharp", ["MonoGaps.cs"]), ...sdk];
}

async function prepareCpp(source: string): Promise<DriverCommand> {
  const drivers = filesIn("cpp", ["driver.cpp"]);
  const built = await buildOnce("cpp", [...drivers, ...(await cppSources(source))], (folder) =>
    compileCpp(source, drivers, join(folder, "driver")),
  );
  return { program: join(built, "driver"), args: [] };
}

/** A program with the SDK's sources. */
export async function compileCpp(source: string, own: readonly string[], program: string): Promise<void> {
  const options = ["-std=c++17", "-w", `-I${join(source, "src")}`, "-o", program];
  await run("g++", [...options, ...own, ...(await cppSources(source)), "-lcurl", "-lcrypto", "-lpthread"]);
}

function cppSources(source: string): Promise<readonly string[]> {
  return sourcesIn(join(source, "src"), ".cpp");
}

function filesIn(language: string, names: readonly string[]): readonly string[] {
  return names.map((name) => join(DRIVERS, language, name));
}

async function sourcesIn(folder: string, ending: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
}

async function askTool([program = "", ...args]: readonly string[]): Promise<string | undefined> {
  return run(program, args).then(
    ({ stdout, stderr }) => stdout || stderr,
    () => undefined,
  );
}
