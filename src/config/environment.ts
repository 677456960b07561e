import { parseEnv } from "node:util";
import { join } from "@std/path";
import { errorText, MailteeError } from "../base/errors.ts";

/** Looks up environment variables. */
export type Variables = (name: string) => string | undefined;

/**
 * The process's variables and, for names that it hasn't, those of the file `.env` in a folder, where there is one.
 * Rejects with MailteeError "config" where that file can't be read.
 */
export async function readEnvironment(
  directory: string,
  processVariables: Variables = (name) => Deno.env.get(name),
): Promise<Variables> {
  const fromFile = await readEnvFile(join(directory, ".env"));
  return (name) => processVariables(name) ?? fromFile.get(name);
}

async function readEnvFile(file: string): Promise<ReadonlyMap<string, string | undefined>> {
  try {
    const text = await Deno.readTextFile(file);
    return new Map(Object.entries(parseEnv(text.replace(/^\uFEFF/, ""))));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw new MailteeError("config", `${file} can't be read: ${errorText(error)}`, {
      cause: error,
      hint: "Give the user that runs mailtee the right to read it, or take it away.",
    });
  }
}
