import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { minify } from "./packages/bundle.ts";
import { judgeTarball } from "./packages/judge-tarball.ts";
import { packPackage } from "./packages/pack-package.ts";
import { readPublishedPackages } from "./packages/published-package.ts";
import { readWords } from "./read-words.ts";

/**
 * `npm run pack -- [--into DIR]`: makes the tarballs that people install, and fails unless publint, arethetypeswrong and the
 * client's budget have nothing against them. What is in them lies beside them, to be looked at.
 */

/** What importing an entry adds to a program of users, minified. The goal is 30 KiB. */
const MAX_MINIFIED_BYTES: Readonly<Record<string, number>> = { "@stagemq/client": 48 * 1024 };

const root = process.cwd();
const { into = "build" } = readWords({ into: { type: "string" } }, []);
const target = resolve(into);
await mkdir(target, { recursive: true });

await Promise.all(
  readPublishedPackages(root).map(async (published) => {
    const tarball = await packPackage(root, published, target);
    const { file, packedBytes, unpackedBytes } = tarball;
    const findings = await judgeTarball(root, published, tarball);
    const sizes = [`${describe(packedBytes)} packed`, `${describe(unpackedBytes)} unpacked`];
    const maxBytes = MAX_MINIFIED_BYTES[tarball.name];
    for (const entry of maxBytes === undefined ? [] : published.entries) {
      const minified = await minify(published, entry);
      sizes.push(
        `${entry.subpath} ${describe(minified.length)} minified, ${describe(gzipSync(minified).length)} gzipped`,
      );
      if (minified.length > (maxBytes ?? 0)) {
        findings.push(`${entry.subpath} has ${minified.length} bytes minified; it may have ${maxBytes}`);
      }
    }
    if (findings.length === 0) console.log(`ok    ${file}  ${sizes.join(", ")}`);
    else console.error([`FAIL  ${file}  ${sizes.join(", ")}`, ...findings].join("\n        "));
    if (findings.length > 0) process.exitCode = 1;
  }),
);

function describe(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
