import { join } from "@std/path";
import { loadConfig, type LoadOptions } from "../../../src/config/load.ts";
import type { ResolvedConfig } from "../../../src/config/types.ts";
import { MailteeError } from "../../../src/base/errors.ts";

/** A temporary folder with files in it, gone at the end of the test. */
export async function withFolder(
  files: Readonly<Record<string, string>>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-config-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The config of a folder with these files. */
export async function loadFrom(
  files: Readonly<Record<string, string>>,
  options?: LoadOptions,
): Promise<ResolvedConfig> {
  let config: ResolvedConfig | undefined;
  await withFolder(files, async (folder) => {
    config = await loadConfig(folder, options);
  });
  if (config === undefined) throw new Error("unreachable");
  return config;
}

/** What is said about a folder's config, with the folder's own path as `DIR`; fails where nothing is wrong with it. */
export async function complaintAbout(files: Readonly<Record<string, string>>, options?: LoadOptions): Promise<string> {
  let complaint: string | undefined;
  await withFolder(files, async (folder) => {
    try {
      await loadConfig(folder, options);
    } catch (error) {
      if (!(error instanceof MailteeError) || error.code !== "config") throw error;
      complaint = error.message.replaceAll(folder, "DIR");
    }
  });
  if (complaint === undefined) throw new Error("the config was accepted");
  return complaint;
}
