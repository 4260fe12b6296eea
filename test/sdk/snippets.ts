import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Ready } from "../process/broker-process.ts";
import { compileCpp, compileCsharp, DRIVERS, javaClasses, type OfficialKit, pythonWithSdk } from "./sdks.ts";

const PAGES = join(import.meta.dirname, "../../docs/sdks");
/** Where programs find the packages that they name. */
export const ROOT_MODULES = join(import.meta.dirname, "../../node_modules");
/** What pages show. */
export const ENDPOINT = "http://127.0.0.1:4876";
const run = promisify(execFile);

/** A program in a folder of its own: what it writes. */
type Runner = (code: string, folder: string, source: string, environment?: NodeJS.ProcessEnv) => Promise<string>;

/** How the program on each SDK's page is run, after the language that it is marked with. */
const RUNNERS: Readonly<
  Record<OfficialKit["name"], { readonly page: string; readonly language: string; readonly run: Runner }>
> = {
  Node: { page: "node", language: "js", run: runNode },
  Python: { page: "python", language: "python", run: runPython },
  Go: { page: "go", language: "go", run: runGo },
  Java: { page: "java", language: "java", run: runJava },
  PHP: { page: "php", language: "php", run: runPhp },
  "C#": { page: "csharp", language: "csharp", run: runCsharp },
  "C++": { page: "cpp", language: "cpp", run: runCpp },
};

/** Runs what an SDK's page shows as it stands there, but for the endpoint. */
export async function runSnippet(
  { name, sourceVariable }: OfficialKit,
  endpoint: string,
  folder: string,
): Promise<string> {
  const { page, language, run: runIt } = RUNNERS[name];
  const code = blockOf(await readPage(page), language);
  if (!code.includes(ENDPOINT)) throw new Error(`the program on ${page}.md does not name ${ENDPOINT}`);
  const source = sourceVariable === undefined ? "" : (process.env[sourceVariable] ?? "");
  return runIt(code.replace(ENDPOINT, endpoint), folder, source);
}

/** Runs what the page about tests shows for this language, against a broker with a test interface. */
export async function runTestingSnippet(
  name: "Python" | "Go" | "Java",
  { http, test = "" }: Pick<Ready, "http" | "test">,
  folder: string,
): Promise<string> {
  const { language, run: runIt } = RUNNERS[name];
  const code = blockOf(await readFile(join(PAGES, "../testing.md"), "utf8"), language);
  return runIt(code, folder, "", { STAGEMQ_ENDPOINT: http, STAGEMQ_TEST: test });
}

/** The text of the page of an SDK. */
export function readPage(page: string): Promise<string> {
  return readFile(join(PAGES, `${page}.md`), "utf8");
}

/** The first block of a page that is marked with this language. */
export function blockOf(page: string, language: string): string {
  const [, code] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(page) ?? [];
  if (code === undefined) throw new Error(`no block is marked ${language}`);
  return code;
}

async function runNode(code: string, folder: string): Promise<string> {
  const file = await write(folder, "orders.cjs", code);
  return outputOf(process.execPath, [file], { NODE_PATH: ROOT_MODULES });
}

async function runPython(
  code: string,
  folder: string,
  _: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  return outputOf(await pythonWithSdk(), [await write(folder, "orders.py", code)], environment);
}

async function runGo(code: string, folder: string, _: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  await write(folder, "orders.go", code);
  await write(folder, "go.mod", blockOf(await readPage("go"), "gomod"));
  await copyFile(join(DRIVERS, "go/go.sum"), join(folder, "go.sum"));
  await run("go", ["build", "-o", "orders", "."], { cwd: folder });
  return outputOf(join(folder, "orders"), [], environment);
}

async function runJava(code: string, folder: string, _: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const pom = await readFile(join(DRIVERS, "java/pom.xml"), "utf8");
  for (const [, line = ""] of blockOf(await readPage("java"), "xml").matchAll(/^ *(<.*>)$/gm))
    if (!pom.includes(line)) throw new Error(`the page names ${line}, the tests run with something else`);
  const program = ["-cp", `${await javaClasses()}/lib/*`, await write(folder, "Orders.java", code)];
  return outputOf("java", program, environment);
}

async function runPhp(code: string, folder: string, source: string): Promise<string> {
  // What composer would write.
  const load = `<?php error_reporting(0); require 'GuzzleHttp/autoload.php';
spl_autoload_register(function ($class) { require '${source}/' . str_replace('\\\\', '/', $class) . '.php'; });`;
  await write(folder, "vendor/autoload.php", load);
  return outputOf("php", [await write(folder, "orders.php", code)]);
}

async function runCsharp(code: string, folder: string, source: string): Promise<string> {
  const program = join(folder, "orders.exe");
  await compileCsharp(source, [await write(folder, "Orders.cs", code)], program);
  return outputOf("mono", [program]);
}

async function runCpp(code: string, folder: string, source: string): Promise<string> {
  const program = join(folder, "orders");
  await compileCpp(source, [await write(folder, "orders.cpp", code)], program);
  return outputOf(program, []);
}

async function write(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

export async function outputOf(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { stdout } = await run(program, args, { env: { ...process.env, ...environment } });
  return stdout;
}
