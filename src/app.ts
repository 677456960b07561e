import { loadServerCertificates } from "./app/certificates.ts";
import { profileJobs } from "./app/profile_jobs.ts";
import { type ProxyWiring, type RunningProxy, servesInPlace, startProxy } from "./app/proxies.ts";
import type { AppStatus } from "./app/status.ts";
import type { Clock } from "./base/clock.ts";
import { errorText } from "./base/errors.ts";
import { roomLogger } from "./base/log.ts";
import type { ProxyConfig, ResolvedConfig } from "./config/types.ts";
import { type FileDropWriter, openDropWriter } from "./drop/writer.ts";
import { type Scheduler, startScheduler } from "./schedule/scheduler.ts";

const log = roomLogger("app");
const MS_PER_SECOND = 1000;

/** What `mailtee run` runs: drop folders, proxies and the scheduler, built from a config. */
export interface App {
  /** The config in force. */
  readonly config: ResolvedConfig;
  status(): AppStatus;
  /**
   * Goes over to another config. Sessions under way end under the old settings, new ones get the new; a proxy that
   * listens elsewhere or is gone stops listening at once. Rejects where the new config can't be put into force, and then
   * the old one goes on.
   */
  reload(config: ResolvedConfig): Promise<void>;
  /** Takes no new sessions, lets those under way finish within the config's `drainSeconds`, ends jobs, closes all. */
  stop(): Promise<void>;
}

/**
 * Builds and starts everything, in order: drop folders (with their recovery), proxies, scheduler.
 * Rejects, with nothing left running, where a port is taken or a folder can't be written.
 */
export async function startApp(config: ResolvedConfig, clock: Clock): Promise<App> {
  const app = new RunningApp(config, clock);
  try {
    await app.start();
  } catch (error) {
    await app.stop();
    throw error;
  }
  return app;
}

class RunningApp implements App {
  readonly #clock: Clock;
  readonly #started: string;
  /** By drop folder. They stay open until the end, since sessions that end under an old config may still need them. */
  readonly #writers = new Map<string, FileDropWriter>();
  readonly #draining = new Set<Promise<void>>();
  /** By name. */
  #proxies = new Map<string, RunningProxy>();
  #scheduler: Scheduler | null = null;
  #config: ResolvedConfig;

  constructor(config: ResolvedConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#started = new Date(clock.now()).toISOString();
  }

  get config(): ResolvedConfig {
    return this.#config;
  }

  async start(): Promise<void> {
    const wiring = await this.#wire(this.#config);
    for (const proxy of this.#config.proxies) this.#proxies.set(proxy.name, await startProxy(proxy, wiring));
    const jobs = profileJobs(this.#config, this.#clock);
    this.#scheduler = startScheduler({ jobs, clock: this.#clock, log: roomLogger("schedule") });
  }

  async reload(config: ResolvedConfig): Promise<void> {
    const wiring = await this.#wire(config);
    const kept = new Map<string, RunningProxy>();
    for (const proxy of config.proxies) {
      const running = this.#proxies.get(proxy.name);
      if (running !== undefined && servesInPlace(running.config, proxy)) kept.set(proxy.name, running);
    }
    // These go first: their addresses may be wanted by proxies that come.
    const leaving = [...this.#proxies.values()].filter((running) => kept.get(running.config.name) !== running);
    for (const running of leaving) this.#drain(running);
    const coming: RunningProxy[] = [];
    try {
      for (const proxy of config.proxies) if (!kept.has(proxy.name)) coming.push(await startProxy(proxy, wiring));
      this.#scheduler?.update(profileJobs(config, this.#clock));
    } catch (error) {
      await Promise.all(coming.map((running) => running.stop()));
      await this.#bringBack(leaving.map((running) => running.config));
      throw error;
    }
    for (const proxy of config.proxies) kept.get(proxy.name)?.update(proxy, wiring);
    for (const running of coming) kept.set(running.config.name, running);
    this.#proxies = kept;
    this.#config = config;
  }

  status(): AppStatus {
    return {
      started: this.#started,
      configFile: this.#config.file,
      proxies: Array.from(this.#proxies.values(), (running) => running.status()),
      dropFolders: Array.from(this.#writers, ([path, writer]) => {
        const { open, committed, failed, setAside, bytes } = writer.counters();
        return { path, open, committed, failed, setAside, bytes };
      }),
      jobs: (this.#scheduler?.next() ?? []).map(({ name, next, running }) => ({
        profile: name,
        next: next?.toISOString() ?? null,
        running,
      })),
    };
  }

  async stop(): Promise<void> {
    for (const running of this.#proxies.values()) this.#drain(running);
    await Promise.all([this.#scheduler?.stop(), ...this.#draining]);
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.close()));
  }

  #drain(running: RunningProxy): void {
    const drained = running.drain(this.#config.drainSeconds * MS_PER_SECOND).finally(() => {
      this.#draining.delete(drained);
    });
    this.#draining.add(drained);
  }

  /** Starts proxies of the old config again, after the new one failed. */
  async #bringBack(proxies: readonly ProxyConfig[]): Promise<void> {
    const wiring = await this.#wire(this.#config);
    for (const proxy of proxies) {
      try {
        this.#proxies.set(proxy.name, await startProxy(proxy, wiring));
      } catch (error) {
        this.#proxies.delete(proxy.name);
        log.error("Proxy {proxy} can't be started again: {problem}", { proxy: proxy.name, problem: errorText(error) });
      }
    }
  }

  /** Makes ready what proxies need: certificates, and the drop folders with what an earlier run left in them. */
  async #wire(config: ResolvedConfig): Promise<ProxyWiring> {
    const certificate = await loadServerCertificates(config);
    for (const { dropFolder } of config.proxies) {
      if (!this.#writers.has(dropFolder)) this.#writers.set(dropFolder, await this.#openWriter(dropFolder, config));
    }
    return {
      clock: this.#clock,
      certificate,
      drop: ({ dropFolder }) => {
        const writer = this.#writers.get(dropFolder);
        if (writer === undefined) throw new Error(`no writer was opened for ${dropFolder}`);
        return writer;
      },
    };
  }

  async #openWriter(path: string, config: ResolvedConfig): Promise<FileDropWriter> {
    const writer = await openDropWriter(path, { clock: this.#clock, ...config.permissions });
    const { committed, discarded } = writer.recovery;
    for (const file of committed) {
      log.warning("Recovered a copy whose mail may or may not have been delivered: {file}", { file });
    }
    if (discarded > 0) {
      log.info("Discarded {discarded} incomplete copies; nobody was told that these mails were accepted", {
        discarded,
        dropFolder: path,
      });
    }
    return writer;
  }
}
