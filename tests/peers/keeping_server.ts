import { join } from "@std/path";
import { DEBIAN_PYTHON } from "./debian_python.ts";
import { whenListening } from "./listening.ts";
import { freePorts, startProgram } from "./program.ts";
import type { SmtpServer, SmtpServerOptions } from "./smtp_server.ts";
import { filesIn } from "./stored_files.ts";
import { UNPACKED_SERVERS } from "./unpacked.ts";

const HERE = import.meta.dirname ?? ".";

/** Where Debian's aiosmtpd is, below the root of unpacked servers. */
export const AIOSMTPD_LIBRARY = "usr/lib/python3/dist-packages/aiosmtpd/smtp.py";

/** Starts Python's aiosmtpd, which takes every mail, without AUTH. */
export function startAiosmtpd(options: SmtpServerOptions): Promise<SmtpServer> {
  const libraries = join(UNPACKED_SERVERS, "usr/lib/python3/dist-packages");
  return startKeeper(DEBIAN_PYTHON, [join(HERE, "serve.py")], { PYTHONPATH: libraries }, options);
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
  await whenListening(program, [smtpPort, smtpsPort], stop);
  return {
    smtpPort,
    smtpsPort,
    delivered: (user) => filesIn(join(folder, user)),
    log: program.output,
    stop,
  };
}
