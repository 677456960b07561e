import { join } from "@std/path";
import { startDovecot } from "./dovecot.ts";
import { startPostfix } from "./postfix.ts";
import { mailsOfMaildir, type SmtpServer, type SmtpServerOptions } from "./smtp_server.ts";

/** Starts Postfix, which asks Dovecot about logins. Needs root. */
export async function startPostfixWithLogins(options: SmtpServerOptions): Promise<SmtpServer> {
  const dovecot = await startDovecot({ ...options, folder: await subfolder(options.folder, "dovecot") });
  try {
    const folder = await subfolder(options.folder, "postfix");
    const postfix = await startPostfix({ ...options, folder, authPort: dovecot.authPort });
    return { ...postfix, stop: () => stopBoth(postfix, dovecot) };
  } catch (error) {
    await dovecot.stop();
    throw error;
  }
}

/** Starts Dovecot's submission service, which takes no mail without a login, before a Postfix. Needs root. */
export async function startDovecotSubmission(options: SmtpServerOptions): Promise<SmtpServer> {
  const folder = await subfolder(options.folder, "postfix");
  const postfix = await startPostfix({ ...options, folder });
  try {
    const dovecot = await startDovecot({
      ...options,
      folder: await subfolder(options.folder, "dovecot"),
      relayPort: postfix.smtpPort,
    });
    return {
      smtpPort: dovecot.submissionPort,
      smtpsPort: dovecot.submissionsPort,
      delivered: (user) => mailsOfMaildir(join(folder, "mailboxes", user), TRACE_OF_BOTH),
      log: () => dovecot.log() + postfix.log(),
      stop: () => stopBoth(dovecot, postfix),
    };
  } catch (error) {
    await postfix.stop();
    throw error;
  }
}

/** Fields that Postfix, then Dovecot put before a mail. */
const TRACE_OF_BOTH = /^Return-Path: .*\nX-Original-To: .*\nDelivered-To: .*\n(?:Received: .*\n(?:[ \t].*\n)*){2}/;

interface Stoppable {
  stop(): Promise<void>;
}

async function stopBoth(first: Stoppable, second: Stoppable): Promise<void> {
  await first.stop();
  await second.stop();
}

async function subfolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await Deno.mkdir(path, { mode: 0o755 });
  return path;
}
