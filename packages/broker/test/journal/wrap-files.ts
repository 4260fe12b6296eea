import type { Disk, DiskFile } from "../../src/runtime/disk.ts";

/** A disk whose files do some things otherwise. */
export function wrapFiles(real: Disk, otherwise: (file: DiskFile, path: string) => Partial<DiskFile>): Disk {
  return new Proxy(real, {
    get(target, name) {
      if (name === "open") {
        return async (...[path, mode]: Parameters<Disk["open"]>): Promise<DiskFile> => {
          const file = await target.open(path, mode);
          return { ...bound(file), ...otherwise(file, path) };
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function bound(file: DiskFile): DiskFile {
  return {
    append: (bytes) => file.append(bytes),
    overwrite: (at, bytes) => file.overwrite(at, bytes),
    read: (at, length) => file.read(at, length),
    sync: () => file.sync(),
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    close: () => file.close(),
  };
}
