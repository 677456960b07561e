import { MailteeError } from "../base/errors.ts";
import { hashPassword } from "../sasl/password_hash.ts";
import type { Command, Invocation } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { readHiddenLine } from "./hidden_line.ts";

export const command: Command = {
  name: "password",
  operands: "",
  operandCount: [0, 0],
  summary: "Prints the hash of a password, for clients[].passwordHash in the config.",
  description: `On a terminal it asks for the password, twice, and doesn't show it; otherwise it takes
the first line of stdin. The password itself can't be found out from the hash.`,
  options: {},
  run: password,
};

async function password({ terminal }: Invocation): Promise<ExitCode> {
  const given = await askForPassword(terminal.interactive ? (question) => readHiddenLine(question) : null);
  const passwordHash = await hashPassword(given);
  if (terminal.wantsJson) terminal.json({ passwordHash });
  else terminal.print(passwordHash);
  return ExitCode.done;
}

/**
 * The password that a person types twice, or the first line of stdin where nobody can be asked. Throws MailteeError
 * "usage" for an empty one, and for two that differ.
 */
async function askForPassword(ask: ((question: string) => Promise<string>) | null): Promise<string> {
  const given = ask === null ? await firstLine(Deno.stdin.readable) : await ask("Password: ");
  if (given === "") throw new MailteeError("usage", "There is no password.", { hint: "Give it on stdin." });
  if (ask !== null && await ask("Again: ") !== given) throw new MailteeError("usage", "The two passwords differ.");
  return given;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const text = await new Response(stream).text();
  return text.split(/\r?\n/, 1)[0] ?? "";
}
