/** An ext4 file system in a file, that writes its journal only when it is told to. */

import { join } from "@std/path";
import { runOrFail, runProgram } from "../peers/program.ts";

/** Seconds between the commits that the kernel makes by itself: longer than any test. */
const COMMIT_SECONDS = 600;

export interface LoopImage {
  readonly image: string;
  /** Where it is mounted. */
  readonly path: string;
  /** Copies the image as it is, nothing flushed first. */
  copy(to: string): Promise<void>;
  remount(option: "ro" | "rw"): Promise<void>;
  unmount(): Promise<void>;
}

/** Why images can't be mounted here; null where they can. */
export async function whyNoLoopMounts(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "loop mounts are tried on Linux only";
  if (Deno.uid() !== 0) return "only root may mount images";
  const folder = await Deno.makeTempDir();
  try {
    await (await makeImage(folder, 8)).unmount();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes an image in a folder, and mounts it beside it or at another place. */
export async function makeImage(
  folder: string,
  mebibytes: number,
  path: string = join(folder, "disk"),
): Promise<LoopImage> {
  const image = join(folder, "disk.img");
  await Deno.writeFile(image, new Uint8Array(0));
  await Deno.truncate(image, mebibytes * 1024 * 1024);
  await runOrFail("mkfs.ext4", { args: ["-q", "-F", "-m", "0", image] });
  return await mountImage(image, path);
}

/** Mounts an image; the journal is played back first, as after a power cut. */
export async function mountImage(image: string, path: string): Promise<LoopImage> {
  await Deno.mkdir(path, { recursive: true });
  await runOrFail("mount", { args: ["-t", "ext4", "-o", `loop,noatime,commit=${COMMIT_SECONDS}`, image, path] });
  return {
    image,
    path,
    copy: async (to) => {
      await runOrFail("cp", { args: ["--sparse=always", image, to] });
    },
    remount: async (option) => {
      await runOrFail("mount", { args: ["-o", `remount,${option}`, path] });
    },
    unmount: async () => {
      const { code, stderr } = await runProgram("umount", { args: [path] });
      if (code !== 0) throw new Error(`${path} stays mounted: ${stderr}`);
    },
  };
}
