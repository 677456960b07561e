import { dirname, join } from "@std/path";
import { hasCode } from "../base/errors.ts";
import { readEnvironment } from "./environment.ts";
import { configLanguage, locateConfig } from "./locate.ts";
import { configError, type Mistake, schemaMistakes } from "./mistakes.ts";
import { resolvePath, resolveProfile, resolveProxy, type Surroundings } from "./resolve.ts";
import { configSchema, type ParsedArchive, type ParsedUsers } from "./schema.ts";
import { type SoundParts, soundParts } from "./sound_parts.ts";
import { listenerMistakes, missingPartMistakes, nameMistakes } from "./together.ts";
import type { ArchiveConfig, ProxyConfig, ResolvedConfig } from "./types.ts";
import { readTypeScriptFile } from "./typescript_file.ts";
import { readUsersFile } from "./users_file.ts";
import { readYamlFile } from "./yaml_file.ts";

export interface LoadOptions {
  /**
   * "required": a secret that can't be read is a mistake, reported with all others; for commands that open sockets.
   * "later" (default): it is looked up when it is needed.
   */
  readonly secrets?: "required" | "later";
}

/** Where the self-signed certificate lies in `certificateFolder`. */
const SELF_SIGNED = { certificate: "mailtee-certificate.pem", key: "mailtee-key.pem" } as const;

/**
 * Reads the config that `pathOption` names, else $MAILTEE_CONFIG, ./proxy.config.ts, ./proxy.config.yaml; each call
 * reads all of it anew. Rejects with MailteeError "config" that lists every mistake.
 */
export async function loadConfig(pathOption: string | undefined, options: LoadOptions = {}): Promise<ResolvedConfig> {
  const file = await locateConfig(pathOption, {
    workingDirectory: Deno.cwd(),
    variable: (name) => Deno.env.get(name),
  });
  const document = configLanguage(file) === "yaml" ? await readYamlFile(file) : await readTypeScriptFile(file);
  const directory = dirname(file);
  return await resolveDocument(document, {
    file,
    directory,
    variables: await readEnvironment(directory),
    secretsRequired: options.secrets === "required",
  });
}

/** A config from the document in its file. Rejects with MailteeError "config" that lists every mistake. */
export async function resolveDocument(
  document: unknown,
  source: Omit<Surroundings, "report"> & { readonly file: string },
): Promise<ResolvedConfig> {
  const mistakes: Mistake[] = [...schemaMistakes(configSchema, document), ...missingPartMistakes(document)];
  const surroundings: Surroundings = { ...source, report: (mistake) => void mistakes.push(mistake) };
  const { settings, ...parts } = soundParts(document);
  const dropFolder = resolvePath(settings.dropFolder, surroundings);
  const proxies = resolveProxies(parts.proxies, dropFolder, surroundings);
  const archive = parts.archive === undefined ? null : await resolveArchive(parts.archive, surroundings);
  if (mistakes.length > 0) throw configError(source.file, mistakes);
  const certificateFolder = resolvePath(settings.certificateFolder, surroundings);
  return {
    file: source.file,
    directory: source.directory,
    dropFolder,
    proxies,
    archive,
    profiles: Object.fromEntries(
      parts.profiles.map(([name, parsed]) => [name, resolveProfile(name, parsed, dropFolder, surroundings)]),
    ),
    log: settings.log,
    drainSeconds: settings.drainSeconds,
    permissions: { fileMode: settings.permissions.files, folderMode: settings.permissions.folders },
    selfSigned: {
      certFile: join(certificateFolder, SELF_SIGNED.certificate),
      keyFile: join(certificateFolder, SELF_SIGNED.key),
    },
  };
}

function resolveProxies(
  parts: SoundParts["proxies"],
  dropFolder: string,
  surroundings: Surroundings,
): readonly ProxyConfig[] {
  const names = defaultNames(parts);
  const resolved = parts.map(({ index, parsed }) => {
    const at = { path: ["proxies", index], name: names.get(index) ?? "", dropFolder };
    return { index, proxy: resolveProxy(parsed, at, surroundings) };
  });
  nameMistakes(parts.map(({ index, parsed }) => ({ index, name: parsed.name })), "proxies").forEach(
    surroundings.report,
  );
  listenerMistakes(resolved).forEach(surroundings.report);
  return resolved.map(({ proxy }) => proxy);
}

const KIND_NAMES = { smtp: "SMTP proxy", lmtp: "LMTP proxy", pop3: "POP3 proxy" } as const;

/** "SMTP proxy 1", "SMTP proxy 2", "POP3 proxy 1" …, by index, none of which is the name of another proxy. */
function defaultNames(parts: SoundParts["proxies"]): ReadonlyMap<number, string> {
  const taken = new Set(parts.map(({ parsed }) => parsed.name));
  const names = new Map<number, string>();
  for (const { index, parsed } of parts) {
    let number = 1;
    while (taken.has(`${KIND_NAMES[parsed.kind]} ${number}`)) number++;
    const name = `${KIND_NAMES[parsed.kind]} ${number}`;
    if (parsed.name === undefined) taken.add(name);
    names.set(index, name);
  }
  return names;
}

async function resolveArchive(parsed: ParsedArchive, surroundings: Surroundings): Promise<ArchiveConfig> {
  const path = resolvePath(parsed.path, surroundings);
  if (!("file" in parsed.users)) {
    const names = parsed.users.map(({ name }, index) => ({ index, name }));
    nameMistakes(names, "archive.users").forEach(surroundings.report);
    return { path, users: parsed.users };
  }
  return { path, users: await usersFrom(resolvePath(parsed.users.file, surroundings), surroundings) };
}

/** The users of a file; none, and a mistake reported, where it can't be used. */
async function usersFrom(file: string, { report }: Surroundings): Promise<ParsedUsers> {
  try {
    return await readUsersFile(file);
  } catch (error) {
    if (!hasCode(error, "config")) throw error;
    report({ path: "archive.users.file", problem: error.message });
    return [];
  }
}
