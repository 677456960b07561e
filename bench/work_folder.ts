/** Where benches keep their files. */

import { findProgram } from "../tests/peers/peer.ts";
import { runOrFail, runProgram } from "../tests/peers/program.ts";

/**
 * Makes a folder, lets `work` have it, and removes it. Each folder in it gets a part of the disk of its own where ext4
 * lets it (`chattr +T`): ext4 doesn't give out the inode of a removed file for up to five minutes, and whoever creates a
 * file has to pass all such inodes of the same part. Without this a program that removes many files, as Postfix's queue
 * does, takes time from the one beside it: creating a file took mailtee 1.1 ms of CPU instead of 0.03. For the same
 * reason nothing should be removed before the end.
 */
export async function inWorkFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-bench-" });
  try {
    // Services that give up root have to get in.
    await Deno.chmod(folder, 0o755);
    if (findProgram("chattr") !== undefined) await runProgram("chattr", { args: ["+T", folder] });
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A folder for one program of a bench, which it may enter also after it has given up root. */
export async function ownFolder(folder: string): Promise<string> {
  const own = await Deno.makeTempDir({ dir: folder });
  await Deno.chmod(own, 0o755);
  return own;
}

/** Waits until the disk has all that was written before, so that nobody is measured with the writes of another. */
export async function settleDisk(): Promise<void> {
  await runOrFail("sync", { args: [] });
}
