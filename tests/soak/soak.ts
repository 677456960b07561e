/** An office's day with the whole program in the harness's process, as fast as it goes. */

import { join } from "@std/path";
import { type App, startApp } from "../../src/app.ts";
import { openArchive } from "../../src/archive/archive.ts";
import type { Clock } from "../../src/base/clock.ts";
import { errorText } from "../../src/base/errors.ts";
import { setUpLog, tearDownLog } from "../../src/base/log.ts";
import type { TlsMode } from "../../src/net/types.ts";
import type { Violation } from "../faults/ledgers.ts";
import { memoryFolder } from "../unit/drop/samples.ts";
import { randomSource } from "../unit/net/random.ts";
import { Day, EMPLOYEES, type Minute } from "./day.ts";
import { leaks } from "./leaks.ts";
import { LeapingClock } from "./leaping_clock.ts";
import { type Fetcher, fetchLetters, sendLetters, type Told } from "./office.ts";
import { furnish, type Premises, providerCertificate } from "./premises.ts";
import { type Provider, startProvider } from "./provider.ts";
import { reckon } from "./reckoning.ts";
import { openDescriptors, type Sample, takeSample } from "./sample.ts";
import { mailOf } from "./soak_mails.ts";
import type { Door } from "./visitor.ts";

export interface SoakOptions {
  readonly seed: number;
  /** Simulated time. */
  readonly hours: number;
  /** The hour of the day at which it begins (UTC). @default 6 */
  readonly fromHour?: number;
  /** Of the office: 1 for the usual one. @default 1 */
  readonly size?: number;
  /** Simulated minutes between two samples. @default 60 */
  readonly sampleMinutes?: number;
  /** A leak that is sown: takes the place of the program's clock. */
  readonly sownClock?: (real: Clock) => Clock;
  /** Called in each minute, with a door of a proxy; a leak can be sown here. */
  readonly eachMinute?: (door: Door) => Promise<void> | void;
  /** How long sessions and jobs may take to come to rest after a minute's work, in real milliseconds. @default 20000 */
  readonly patienceMs?: number;
  /** Hears of each sample. */
  readonly progress?: (sample: Sample) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly captures: number;
  readonly violations: readonly Violation[];
}

const MINUTE_MS = 60_000;
/** A little after the minute, so that whoever waits for it is awake. */
const PAST_MS = 20;
const PATIENCE_MS = 20_000;
const POLL_MS = 3;
const MAX_LOG_LINES = 5;
const REARRANGE = { every: 180, at: 25 };
const DAY_BEGINS = Date.UTC(2026, 10, 24);
const DOORS: readonly TlsMode[] = ["none", "starttls", "implicit"];
/** One visit of so many is of a program without memory, through the other proxy. */
const FORGETFUL_EVERY = 6;

/** Lives through a day; afterwards nothing is left of it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-soak-", ...(memoryFolder && { dir: memoryFolder }) });
  const mails = join(folder, "provider");
  await Deno.mkdir(mails);
  const { certificate, ca } = await providerCertificate();
  const accounts = EMPLOYEES.map((name) => ({
    username: name,
    password: "secret",
    addresses: [`${name}@company.example`],
  }));
  const provider = startProvider(mails, accounts, certificate);
  const log: string[] = [];
  await setUpLog({ level: "warning", format: "text", write: (line) => void log.push(line.trim()) });
  try {
    const premises = await furnish(folder, provider.ports, ca);
    const result = await new SoakRun(options, premises, provider).live();
    const complaints = log.slice(0, MAX_LOG_LINES).map((line) => `the log says: ${line}`);
    return { ...result, violations: [...result.violations, ...complaints] };
  } finally {
    await tearDownLog();
    await provider.close();
    await Deno.remove(folder, { recursive: true });
  }
}

class SoakRun {
  readonly #options: SoakOptions;
  readonly #premises: Premises;
  readonly #provider: Provider;
  readonly #random: () => number;
  readonly #clock: LeapingClock;
  readonly #day: Day;
  readonly #begin: number;
  readonly #book: Told[] = [];
  readonly #fetchers = new Map<string, Fetcher>();
  readonly #samples: Sample[] = [];
  readonly #found: Violation[] = [];
  #sessions = 0;

  constructor(options: SoakOptions, premises: Premises, provider: Provider) {
    this.#options = options;
    this.#premises = premises;
    this.#provider = provider;
    this.#random = randomSource(options.seed);
    this.#begin = DAY_BEGINS + (options.fromHour ?? 6) * 60 * MINUTE_MS;
    this.#clock = new LeapingClock(this.#begin);
    this.#day = new Day(options.seed, this.#random, options.size ?? 1);
  }

  async live(): Promise<SoakResult> {
    const { hours, sownClock, sampleMinutes = 60 } = this.#options;
    (await openArchive(this.#premises.archive, { clock: this.#clock })).close();
    openSignalSockets();
    const before = openDescriptors();
    const app = await startApp(await this.#premises.config(), sownClock?.(this.#clock) ?? this.#clock);
    let committed = 0;
    let minutes = 0;
    try {
      for (let minute = 0; minute < hours * 60; minute++, minutes++) {
        if (minute % REARRANGE.every === REARRANGE.at) await this.#rearrange(app);
        await this.#minute(app, this.#begin + minute * MINUTE_MS);
        if (this.#found.length > 0) break;
        if ((minute + 1) % sampleMinutes === 0) await this.#sample(app);
      }
    } finally {
      committed = app.status().dropFolders[0]?.committed ?? 0;
      await app.stop();
    }
    if (this.#clock.sleeping > 0) this.#found.push(`after the stop ${this.#clock.sleeping} wait for the clock`);
    await this.#until(() => openDescriptors() <= before, "after the stop there are more file descriptors than before");
    const settled = Math.ceil(this.#samples.length / 5);
    const violations = [
      ...this.#found,
      ...leaks(this.#samples, settled),
      ...await reckon({
        premises: this.#premises,
        told: this.#book,
        taken: this.#provider.taken,
        committed,
        minutes,
      }),
    ];
    return { samples: this.#samples, captures: committed, violations };
  }

  async #minute(app: App, wall: number): Promise<void> {
    await this.#clock.leapTo(wall + PAST_MS);
    const minute = this.#day.minute(wall);
    for (const { token, address } of minute.received) this.#provider.deliver(address, mailOf(token).content);
    await this.#options.eachMinute?.(this.#door(app, "smtp", "clear", "none"));
    const visits = [...this.#sendings(app, minute), ...this.#fetchings(app, minute)];
    this.#sessions += visits.length;
    const ends = await Promise.allSettled(visits.map((visit) => visit()));
    for (const end of ends) {
      if (end.status === "rejected") this.#found.push(`${this.#time()}: a session failed: ${errorText(end.reason)}`);
    }
    await this.#until(() => !busy(app), "sessions or jobs don't come to their end");
  }

  #sendings(app: App, { sessions }: Minute): (() => Promise<void>)[] {
    return sessions.map(({ letters, hangsUp }) => {
      const target = this.#random() < 0.8 ? "clear" : "secure";
      const door = this.#door(app, "smtp", target, this.#anyTls());
      return () => sendLetters(door, letters, this.#book, hangsUp ? letters.at(-1) : undefined);
    });
  }

  #fetchings(app: App, { fetching }: Minute): (() => Promise<void>)[] {
    return fetching.map(({ user, hangsUp }) => {
      const forgetful = Math.floor(this.#random() * FORGETFUL_EVERY) === 0;
      const target = forgetful ? "secure" : "clear";
      const door = this.#door(app, "pop3", target, this.#anyTls());
      return () => fetchLetters(door, this.#fetcher(user, forgetful), this.#book, hangsUp);
    });
  }

  /** Every second one in the office deletes what was fetched, the others leave it. */
  #fetcher(user: string, forgetful: boolean): Fetcher {
    const key = `${user} ${forgetful}`;
    const deletes = EMPLOYEES.indexOf(user) % 2 === 0;
    const known = this.#fetchers.get(key) ??
      { user, fetched: new Set<string>(), habit: forgetful ? "forgetful" : deletes ? "deletes" : "leaves" };
    this.#fetchers.set(key, known);
    return known;
  }

  /** Half of all programs still use no TLS. */
  #anyTls(): TlsMode {
    const chance = Math.floor(this.#random() * 4);
    return DOORS[Math.max(0, chance - 1)] ?? "none";
  }

  #door(app: App, kind: "smtp" | "pop3", target: "clear" | "secure", tls: TlsMode): Door {
    const proxy = app.status().proxies.find(({ name }) => name === `${kind} ${target}`);
    const [hostname = "", port = ""] = proxy?.listen[DOORS.indexOf(tls)]?.split(":") ?? [];
    return { hostname, port: Number(port), tls, ca: this.#premises.ca };
  }

  async #rearrange(app: App): Promise<void> {
    await this.#premises.rearrange();
    await app.reload(await this.#premises.config());
  }

  /** Waits in real time, and complains where it's for too long. */
  async #until(condition: () => boolean, complaint: string): Promise<void> {
    const deadline = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS);
    while (!condition()) {
      if (performance.now() > deadline) return void this.#found.push(`${this.#time()}: ${complaint}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #sample(app: App): Promise<void> {
    const subject = {
      app,
      premises: this.#premises,
      clock: this.#clock,
      time: this.#time(),
      book: this.#book,
      sessions: this.#sessions,
    };
    const sample = await takeSample(subject, this.#samples);
    this.#samples.push(sample);
    this.#options.progress?.(sample);
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString().slice(11, 16);
  }
}

function busy(app: App): boolean {
  const { proxies, jobs } = app.status();
  return proxies.some(({ stats }) => stats.sessions.open > 0) || jobs.some(({ running }) => running);
}

/** Deno opens two sockets for signals, at some time after its start in a thread of its own: from here on they are there. */
function openSignalSockets(): void {
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  Deno.removeSignalListener("SIGUSR2", ignore);
}
