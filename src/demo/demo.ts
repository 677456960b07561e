import { join, resolve } from "@std/path";
import { type App, startApp } from "../app.ts";
import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { archiveAgain, archiveFirst, readBack, search, verify } from "./archive_steps.ts";
import { fetchHerMails, lookIntoDropFolder, sendSamples, showProxies } from "./capture_steps.ts";
import { startMailServer } from "./mail_server.ts";
import { Narrator } from "./narrator.ts";
import { sampleMails } from "./samples/samples.ts";
import type { Scene } from "./scene.ts";
import { ANNA, configText, OFFICE, refuseUnknown } from "./setting.ts";

export interface DemoOptions {
  /** Takes what the demo has to say, line by line. */
  readonly print: (line: string) => void;
  /** A folder to work in that is left behind; without one a temporary folder is used and removed. */
  readonly keep?: string;
  readonly clock: Clock;
  /** Stops the demo between two steps. */
  readonly signal: AbortSignal;
  /** Reads a config file as `mailtee run` does. */
  readonly loadConfig: (file: string) => Promise<App["config"]>;
}

/** What the demo shows once everything has started, in this order. */
const STEPS: readonly ((scene: Scene) => void | Promise<void>)[] = [
  showProxies,
  sendSamples,
  fetchHerMails,
  lookIntoDropFolder,
  archiveFirst,
  archiveAgain,
  search,
  readBack,
  verify,
];

/**
 * Shows the whole way on this machine: a mail server of its own, both proxies, the drop folder, archiving, search,
 * verification. Gives 0 where every step gave what it should, byte for byte, else 1. Rejects with MailteeError "usage"
 * where the folder to keep isn't empty, and with what starting the proxies may reject with.
 */
export async function runDemo(options: DemoOptions): Promise<0 | 1> {
  const narrator = new Narrator(options.print);
  const folder = options.keep === undefined
    ? await Deno.makeTempDir({ prefix: "mailtee-demo-" })
    : await makeEmptyFolder(options.keep);
  try {
    await showAll(folder, narrator, options);
  } finally {
    if (options.keep === undefined) await Deno.remove(folder, { recursive: true });
  }
  const { failures } = narrator;
  options.print(failures === 0 ? "Every step gave what it should." : `${failures} of the above went wrong.`);
  if (options.keep !== undefined) options.print(`Config, drop folder and archive are left in ${folder}.`);
  return failures === 0 ? 0 : 1;
}

async function makeEmptyFolder(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  for await (const { name } of Deno.readDir(path)) {
    throw new MailteeError("usage", `${path} isn't empty: it holds ${name}.`, {
      hint: "Name an empty folder, or one that isn't there yet.",
    });
  }
  return resolve(path);
}

async function showAll(folder: string, narrator: Narrator, options: DemoOptions): Promise<void> {
  const server = startMailServer({
    accounts: [ANNA, OFFICE],
    requireAuthentication: true,
    refuseRecipient: refuseUnknown,
  });
  try {
    narrator.step("A mail server plays the provider, in memory and on this machine only.");
    narrator.say(`SMTP on port ${server.smtpPort}, where one has to log in; POP3 on port ${server.pop3Port}.`);
    const configFile = join(folder, "proxy.config.ts");
    await Deno.writeTextFile(configFile, configText({ smtp: server.smtpPort, pop3: server.pop3Port }, false));
    const app = await startApp(await options.loadConfig(configFile), options.clock);
    try {
      const scene: Scene = { ...options, narrator, server, app, configFile, samples: sampleMails() };
      for (const step of STEPS) {
        options.signal.throwIfAborted();
        await step(scene);
      }
    } finally {
      await app.stop();
    }
  } finally {
    await server.close();
  }
}
