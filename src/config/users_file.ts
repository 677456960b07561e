import * as v from "valibot";
import { configError, schemaMistakes } from "./mistakes.ts";
import { type ParsedUsers, usersSchema } from "./schema.ts";
import { nameMistakes } from "./together.ts";
import { readYamlFile } from "./yaml_file.ts";

/** The users of a YAML or JSON file. Rejects with MailteeError "config" that lists the file's mistakes. */
export async function readUsersFile(file: string): Promise<ParsedUsers> {
  const document = await readYamlFile(file);
  const parsed = v.safeParse(usersSchema, document);
  const mistakes = schemaMistakes(usersSchema, document);
  if (!parsed.success || mistakes.length > 0) throw configError(file, mistakes);
  const twice = nameMistakes(parsed.output.map(({ name }, index) => ({ index, name })), "");
  if (twice.length > 0) throw configError(file, twice);
  return parsed.output;
}
