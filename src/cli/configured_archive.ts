import { openArchive } from "../archive/archive.ts";
import type { Archive, ResolvedId } from "../archive/types.ts";
import { MailteeError } from "../base/errors.ts";
import { loadConfig } from "../config/load.ts";
import type { ArchiveConfig, ResolvedConfig } from "../config/types.ts";
import type { Invocation } from "./command.ts";

/** A config that has an archive. */
export type ArchivingConfig = ResolvedConfig & { readonly archive: ArchiveConfig };

/** Loads the config of a command that needs an archive. Rejects with MailteeError "config" where it has none. */
export async function loadArchivingConfig({ options }: Invocation): Promise<ArchivingConfig> {
  const config = await loadConfig(options.value("config"));
  const { archive } = config;
  if (archive !== null) return { ...config, archive };
  throw new MailteeError("config", `${config.file} has no archive.`, {
    hint: `Add one: archive: { path: "./archive", users: [...] }`,
  });
}

/**
 * Does something with the config's archive and closes it. An archive that isn't there yet is made only for writing.
 * Rejects as the work does, and with what opening the archive gives.
 */
export async function withArchive<T>(
  invocation: Invocation,
  access: "read" | "write",
  work: (archive: Archive, config: ArchivingConfig) => Promise<T>,
): Promise<T> {
  const config = await loadArchivingConfig(invocation);
  const archive = await openArchive(config.archive.path, {
    clock: invocation.clock,
    readOnly: access === "read",
    ...config.permissions,
  });
  try {
    return await work(archive, config);
  } finally {
    archive.close();
  }
}

/** Digits of an ID that are shown; the archive takes any unique prefix of at least 6. */
export const SHOWN_ID_DIGITS = 12;

/** The mail that an ID or its prefix means. Throws MailteeError "not-found" or "usage". */
export function foundId(spelled: string, resolved: ResolvedId): string {
  switch (resolved.kind) {
    case "found":
      return resolved.sha256;
    case "invalid":
      throw new MailteeError("usage", `'${spelled}' is no ID: ${resolved.reason}.`, {
        hint: "An ID is what 'mailtee search' shows in its last column; 6 digits are enough where no other begins so.",
      });
    case "not-found":
      throw new MailteeError("not-found", `There is no mail with the ID ${spelled}.`, {
        hint: "'mailtee search' finds mails and shows their IDs.",
      });
    case "ambiguous":
      throw new MailteeError("usage", `Several mails have IDs that begin with ${spelled}.`, {
        hint: `Give more digits: ${resolved.candidates.map((id) => id.slice(0, SHOWN_ID_DIGITS)).join(", ")}`,
      });
  }
}
