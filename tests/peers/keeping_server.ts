import { join } from "@std/path";
import { freePorts, isListening, startProgram } from "./program.ts";
import type { SmtpServer, SmtpServerOptions } from "./smtp_server.ts";
import { UNPACKED_SERVERS } from "./unpacked.ts";

const HERE = import.meta.dirname ?? ".";

/** Where Debian's aiosmtpd is, below the root of unpacked servers. */
export const AIOSMTPD_LIBRARY = "usr/lib/python3/dist-packages/aiosmtpd/smtp.py";

/** Starts Python's aiosmtpd, which takes every mail, without AUTH. */
export function startAiosmtpd(options: SmtpServerOptions): Promise<SmtpServer> {
  const libraries = join(UNPACKED_SERVERS, "usr/lib/python3/dist-packages");
  return startKeeper("python3", [join(HERE, "serve.py")], { PYTHONPATH: libraries }, options);
}

/** Starts npm's smtp-server, which takes every mail. */
export function startNpmSmtpServer(options: SmtpServerOptions): Promise<SmtpServer> {
  return startKeeper(Deno.execPath(), ["run", "-A", "--no-check", join(HERE, "serve.js")], {}, options);
}

/** A script that keeps each mail as a file, just as it came. */
async function startKeeper(
  binary: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { folder, certificate }: SmtpServerOptions,
): Promise<SmtpServer> {
  const [smtpPort = 0, smtpsPort = 0] = freePorts(2);
  const { certFile, keyFile } = certificate;
  const program = startProgram(binary, {
    args: [...args, String(smtpPort), String(smtpsPort), certFile, keyFile, folder],
    env,
  });
  const stop = async () => {
    await program.stop();
  };
  try {
    await program.waitFor(async () => await isListening(smtpPort) && await isListening(smtpsPort));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    smtpPort,
    smtpsPort,
    delivered: (user) => filesIn(join(folder, user)),
    log: program.output,
    stop,
  };
}

async function filesIn(folder: string): Promise<Uint8Array[]> {
  const mails: Uint8Array[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) mails.push(await Deno.readFile(join(folder, name)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // else nothing was delivered so far
  }
  return mails;
}
