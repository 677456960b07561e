/**
 * An SMTP proxy whose disk takes longer for each flush: `proxy_with_slow_disk.ts PORT TARGET_PORT DROP_FOLDER MS`. At its
 * end, by SIGTERM, it prints a `FlushCount` as JSON.
 */

import { denoFileOps, type FileOps, type OpenFile } from "../src/base/files.ts";
import { openDropWriter } from "../src/drop/writer.ts";
import { startBenchProxy } from "./bench_proxy.ts";

/** What was flushed for so many captures. */
export interface FlushCount {
  readonly committed: number;
  readonly files: number;
  readonly directories: number;
}

if (import.meta.main) {
  const [port = "", targetPort = "", dropFolder = "", slowerMs = ""] = Deno.args;
  await run(Number(port), Number(targetPort), dropFolder, Number(slowerMs));
}

async function run(port: number, targetPort: number, dropFolder: string, slowerMs: number): Promise<void> {
  const flushed = { files: 0, directories: 0 };
  const drop = await openDropWriter(dropFolder, { ops: slowOps(slowerMs, flushed) });
  Deno.addSignalListener("SIGTERM", () => {
    const count: FlushCount = { committed: drop.counters().committed, ...flushed };
    console.log(JSON.stringify(count));
    Deno.exit();
  });
  await startBenchProxy(port, targetPort, drop);
}

/** The real operations, each flush of them longer by `slowerMs`, and counted. */
function slowOps(slowerMs: number, flushed: { files: number; directories: number }): FileOps {
  const wait = () => slowerMs === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, slowerMs));
  const slow = (file: OpenFile): OpenFile => ({
    write: (bytes) => file.write(bytes),
    seek: (offset) => file.seek(offset),
    truncate: () => file.truncate(),
    async syncData() {
      flushed.files++;
      await file.syncData();
      await wait();
    },
    close: () => file.close(),
  });
  return {
    ...denoFileOps,
    create: (path, mode) => slow(denoFileOps.create(path, mode)),
    openForWriting: (path) => slow(denoFileOps.openForWriting(path)),
    async syncDirectory(path) {
      flushed.directories++;
      const done = await denoFileOps.syncDirectory(path);
      await wait();
      return done;
    },
  };
}
