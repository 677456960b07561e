import { join } from "@std/path";
import type { ResolvedConfig } from "../../config/types.ts";
import { type Finding, warning } from "./findings.ts";

/** Files with secrets in them that other users of the machine can read. */
export async function secretFindings(config: ResolvedConfig): Promise<Finding[]> {
  if (Deno.build.os === "windows") return [];
  const files = new Map<string, string>([[join(config.directory, ".env"), ".env"]]);
  config.proxies.forEach(({ target, listen }, index) => {
    const source = target.credentials?.password.source;
    const where = `proxies[${index}].target.credentials.password`;
    if (source?.kind === "config") files.set(config.file, where);
    if (source?.kind === "file") files.set(source.path, where);
    listen.forEach(({ certificate }, at) => {
      if (certificate !== null) files.set(certificate.keyFile, `proxies[${index}].listen[${at}].certificate.keyFile`);
    });
  });
  const findings: Finding[] = [];
  for (const [file, where] of files) {
    if (await isReadableForOthers(file)) {
      findings.push(
        warning("readable-secret", where, `Every user of this machine can read the secret in ${file}; chmod 600 it.`),
      );
    }
  }
  return findings;
}

async function isReadableForOthers(file: string): Promise<boolean> {
  try {
    return (((await Deno.stat(file)).mode ?? 0) & 0o004) !== 0;
  } catch {
    return false; // not there, or not to be looked at: told elsewhere where it matters
  }
}
