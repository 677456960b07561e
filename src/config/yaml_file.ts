import { parse } from "@std/yaml";
import { errorText, MailteeError } from "../base/errors.ts";

/** Reads a YAML or JSON file. Rejects with MailteeError "config" that names the file and, where it knows, the line. */
export async function readYamlFile(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return parse(text.replace(/^\uFEFF/, ""), { schema: "core" });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MailteeError("config", `${file}: ${withoutQuotedLine(errorText(error))}.`, {
      hint: "Indent with spaces, and put text with special characters in quotes.",
    });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new MailteeError("config", `${file} can't be read: ${errorText(error)}.`, { cause: error });
  }
}

/** The parser quotes the line after the place, and the line may hold a secret. */
function withoutQuotedLine(text: string): string {
  return text.replace(/( at line \d+, column \d+):.*$/s, "$1");
}
