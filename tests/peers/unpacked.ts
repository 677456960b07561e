import { join } from "@std/path";
import { needPeerAsRoot } from "./peer.ts";
import { type RunningProgram, startProgram } from "./program.ts";

/** Where `unpack_servers.sh` has unpacked servers that Debian doesn't install beside Postfix. */
export const UNPACKED_SERVERS = Deno.env.get("MAILTEE_PEERS") ??
  join(Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache"), "mailtee", "peers");

const HERE = import.meta.dirname ?? ".";

/** As `needPeerAsRoot`, for programs of unpacked servers, by their path below the root. */
export function needUnpacked(...paths: readonly string[]): { readonly ignore: boolean } {
  return needPeerAsRoot("unshare", "openssl", ...paths.map((path) => join(UNPACKED_SERVERS, path)));
}

/**
 * Starts a server that was unpacked, with `etc` as files of its own /etc by their path there. It sees the machine's
 * files but changes none outside of `folder`. Needs root. Must be stopped by SIGKILL, which ends all its processes.
 */
export async function startUnpacked(
  program: readonly string[],
  { folder, etc }: { readonly folder: string; readonly etc: Readonly<Record<string, string>> },
): Promise<RunningProgram> {
  for (const [name, text] of Object.entries(etc)) {
    const path = join(folder, "etc", name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text, { mode: 0o600 });
  }
  await Deno.chmod(join(folder, "etc"), 0o755);
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child"];
  return startProgram("unshare", {
    args: [...namespaces, join(HERE, "own_root.sh"), UNPACKED_SERVERS, folder, ...program],
  });
}
