import { type App, startApp } from "../app.ts";
import type { Clock } from "../base/clock.ts";
import { errorText, hasCode, MailteeError } from "../base/errors.ts";
import type { FileLock } from "../base/locks.ts";
import { roomLogger, setUpLog } from "../base/log.ts";
import { exposures } from "../config/exposure.ts";
import { loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/types.ts";
import type { Command, Invocation } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { logFormat, logLevel } from "./log_options.ts";
import { claimRun, writeRunState } from "./run_state.ts";

const log = roomLogger("run");
const STATE_EVERY_MS = 5000;

export const command: Command = {
  name: "run",
  operands: "[CONFIG]",
  operandCount: [0, 1],
  summary: "Runs all proxies and the scheduler until SIGTERM or Ctrl-C.",
  description: `On SIGTERM no new session is taken; sessions under way get the config's drainSeconds
to finish, what is left then is ended with 421. SIGHUP reads the config anew: a
config with mistakes is refused with the reason, and the old one goes on.`,
  options: {},
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { operands, options, clock, signal } = invocation;
  const pathOption = operands[0] ?? options.value("config");
  const config = await loadConfig(pathOption, { secrets: "required" });
  await followLogSettings(invocation, config);
  const lock = claimRunOrWarn(config.directory);
  const reloads = listenForReload(signal, async () => {
    const app = await starting;
    const next = await loadConfig(config.file, { secrets: "required" });
    await app.reload(next);
    await followLogSettings(invocation, next);
    announce(app);
  });
  const starting = startApp(config, clock);
  try {
    const app = await starting;
    announce(app);
    await (lock === null ? untilAborted(signal) : keepState(app, config.directory, clock, signal));
    log.info("Stopping; sessions under way have {seconds} s to finish", { seconds: app.config.drainSeconds });
    await app.stop();
    log.info("Stopped");
    return ExitCode.done;
  } finally {
    reloads.end();
    lock?.release();
  }
}

/** Proxies don't need the folder of their config to be writable; only `mailtee status` does. */
function claimRunOrWarn(directory: string): FileLock | null {
  try {
    return claimRun(directory);
  } catch (error) {
    if (!hasCode(error, "io")) throw error;
    log.warning("'mailtee status' won't see this program: {problem}", { problem: errorText(error) });
    return null;
  }
}

/** The config's log settings, unless the command line says otherwise. */
async function followLogSettings({ options }: Invocation, config: ResolvedConfig): Promise<void> {
  await setUpLog({ level: logLevel(options) ?? config.log.level, format: logFormat(options) ?? config.log.format });
}

function announce(app: App): void {
  for (const { sentence } of exposures(app.config)) log.warning("{sentence}", { sentence });
  const { proxies, jobs } = app.status();
  for (const { kind, name, listen, target } of proxies) {
    log.info("{kind} proxy {name} listens on {listen} for {target}", { kind, name, listen: listen.join(", "), target });
  }
  for (const { profile, next } of jobs) log.info("Profile {profile} runs next at {next}", { profile, next });
  if (proxies.length === 0 && jobs.length === 0) {
    log.warning("Nothing to do: the config has no proxies, and no profile with a schedule");
  }
}

/** Leaves word for `mailtee status` every few seconds, until the program is asked to stop. */
async function keepState(app: App, directory: string, clock: Clock, signal: AbortSignal): Promise<void> {
  let warned = false;
  while (!signal.aborted) {
    try {
      await writeRunState(directory, app.status());
      warned = false;
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      if (!warned) log.warning("'mailtee status' won't see this program: {problem}", { problem: errorText(error) });
      warned = true;
    }
    await clock.sleep(STATE_EVERY_MS, signal).catch(() => {});
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * SIGHUP, one reload at a time; none once the program is asked to stop. It is listened for from before the start to after
 * the stop, since one that nobody listens for ends the program. Windows has no such signal.
 */
function listenForReload(stopping: AbortSignal, reload: () => Promise<void>): { end(): void } {
  if (Deno.build.os === "windows") return { end: () => {} };
  let last = Promise.resolve();
  const onSignal = () => {
    if (stopping.aborted) return;
    last = last.then(reload).then(
      () => log.info("The config was read anew and is in force"),
      (error) =>
        log.error("The new config is refused, the old one goes on: {problem}", {
          problem: errorText(error),
          hint: error instanceof MailteeError ? error.hint : undefined,
        }),
    );
  };
  Deno.addSignalListener("SIGHUP", onSignal);
  return { end: () => Deno.removeSignalListener("SIGHUP", onSignal) };
}
