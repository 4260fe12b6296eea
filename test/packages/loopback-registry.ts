import { execFile } from "node:child_process";
import { once } from "node:events";
import { cp, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { InstalledLibrary } from "../../scripts/packages/runtime-tree.ts";

const run = promisify(execFile);

/** A package registry on loopback. */
export interface LoopbackRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** Hands out these libraries, as they are installed here, and nothing else: npm resolves and unpacks as ever, without a network. */
export async function openLoopbackRegistry(
  libraries: readonly InstalledLibrary[],
  scratch: string,
): Promise<LoopbackRegistry> {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    const asked = libraries.filter(({ manifest }) => path === manifest.name || path === tarballOf(manifest));
    if (asked.length === 0) {
      response.writeHead(404).end();
    } else if (path.endsWith(".tgz")) {
      response.end(await pack(asked[0] as InstalledLibrary, scratch));
    } else {
      response.setHeader("content-type", "application/json").end(JSON.stringify(describe(asked)));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  function describe(versions: readonly InstalledLibrary[]): object {
    const documents = versions.map(({ manifest }) => [
      manifest.version,
      { ...manifest, dist: { tarball: `${url}${tarballOf(manifest)}` } },
    ]);
    return {
      name: versions[0]?.manifest.name,
      "dist-tags": { latest: versions.at(-1)?.manifest.version },
      versions: Object.fromEntries(documents),
    };
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
  return { url, close };
}

function tarballOf({ name, version }: InstalledLibrary["manifest"]): string {
  return `${name}/-/${version}.tgz`;
}

async function pack({ manifest, folder }: InstalledLibrary, scratch: string): Promise<Buffer> {
  const stage = join(scratch, tarballOf(manifest).replace(/[.]tgz$/, ""));
  // What lies in its own node_modules is a library of its own here.
  const isItsOwn = (source: string) => source === folder || basename(source) !== "node_modules";
  await cp(folder, join(stage, "package"), { recursive: true, filter: isItsOwn });
  await run("tar", ["-czf", "packed.tgz", "package"], { cwd: stage });
  return readFile(join(stage, "packed.tgz"));
}
