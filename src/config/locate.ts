import { extname, resolve } from "@std/path";
import { MailteeError } from "../base/errors.ts";

/** The names that a config has where nothing else is said, in the order in which they are looked for. */
export const CONFIG_NAMES = ["proxy.config.ts", "proxy.config.yaml"] as const;

const TYPESCRIPT = [".ts", ".mts", ".js", ".mjs"];
const YAML = [".yaml", ".yml", ".json"];

/** What language a config file is in, by its name. Throws MailteeError "config" for a name that says neither. */
export function configLanguage(file: string): "typescript" | "yaml" {
  const extension = extname(file).toLowerCase();
  if (TYPESCRIPT.includes(extension)) return "typescript";
  if (YAML.includes(extension)) return "yaml";
  throw new MailteeError("config", `${file}: the name of a config ends in .ts or .yaml.`);
}

/**
 * The absolute path of the config: what the command line says, else $MAILTEE_CONFIG, else ./proxy.config.ts,
 * ./proxy.config.yaml. A folder stands for the config in it. Rejects with MailteeError "config" where there is none.
 */
export async function locateConfig(
  pathOption: string | undefined,
  surroundings: { readonly workingDirectory: string; readonly variable: (name: string) => string | undefined },
): Promise<string> {
  const { workingDirectory, variable } = surroundings;
  const fromVariable = variable("MAILTEE_CONFIG");
  const given = pathOption ?? (fromVariable === "" ? undefined : fromVariable);
  if (given === undefined) {
    const found = await configIn(workingDirectory);
    if (found !== undefined) return found;
    throw new MailteeError("config", `There is no ${CONFIG_NAMES.join(" and no ")} in ${workingDirectory}.`, {
      hint: "'mailtee init' writes one; --config PATH names one elsewhere.",
    });
  }
  const path = resolve(workingDirectory, given);
  const by = pathOption === undefined ? " ($MAILTEE_CONFIG)" : "";
  const info = await stat(path);
  if (info === undefined) {
    throw new MailteeError("config", `${path}${by} isn't there.`, { hint: "'mailtee init' writes a config." });
  }
  if (!info.isDirectory) return path;
  const found = await configIn(path);
  if (found !== undefined) return found;
  throw new MailteeError("config", `There is no ${CONFIG_NAMES.join(" and no ")} in ${path}${by}.`);
}

async function configIn(directory: string): Promise<string | undefined> {
  for (const name of CONFIG_NAMES) {
    const path = resolve(directory, name);
    if ((await stat(path))?.isFile) return path;
  }
}

/** Undefined where nothing is there. */
async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw new MailteeError("config", `${path} can't be read.`, { cause: error, hint: "Look at its permissions." });
  }
}
