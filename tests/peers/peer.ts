/**
 * Options for a test that needs programs of other makers: `Deno.test({ ...needPeer("swaks", "postfix"), name, fn })`.
 * Where one is missing the test is skipped, with a word why; in CI, where all of them have to be, it fails.
 */
export function needPeer(...binaries: readonly string[]): { readonly ignore: boolean } {
  const missing = binaries.filter((binary) => findProgram(binary) === undefined);
  return reasonToSkip(missing.length > 0 ? `${missing.join(" and ")} isn't installed` : undefined);
}

/** The same for peers that change their user when they start: Postfix and Dovecot. */
export function needPeerAsRoot(...binaries: readonly string[]): { readonly ignore: boolean } {
  if (needPeer(...binaries).ignore) return { ignore: true };
  return reasonToSkip(Deno.uid() === 0 ? undefined : `${binaries.join(" and ")} must be started by root`);
}

function reasonToSkip(reason: string | undefined): { readonly ignore: boolean } {
  if (reason === undefined) return { ignore: false };
  if (Deno.env.get("CI") === "true") throw new Error(`A test can't run: ${reason}.`);
  console.warn(`skipped: ${reason}`);
  return { ignore: true };
}

/** The path of a program, or of a file that is given by its own; undefined where it isn't installed. */
export function findProgram(binary: string): string | undefined {
  if (binary.startsWith("/")) return isFile(binary) ? binary : undefined;
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin", "/sbin"];
  return folders.filter((folder) => folder !== "").map((folder) => `${folder}/${binary}`).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
