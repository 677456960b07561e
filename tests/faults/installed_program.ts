/** The program as a process, with its drop folder and archive where a test wants them, and started as a test wants it. */

import { join } from "@std/path";
import type { TlsMode } from "../../src/net/types.ts";
import { mailteeLine } from "../e2e/mailtee.ts";
import { whenListening } from "../peers/listening.ts";
import { freePorts, type RunningProgram, startProgram } from "../peers/program.ts";
import type { Upstream } from "./upstream.ts";

export interface InstalledOptions {
  /** Where the config lies; it exists. */
  readonly folder: string;
  readonly upstream: Pick<Upstream, "smtpPort" | "pop3Port">;
  /** @default "drop" in `folder` */
  readonly drop?: string;
  /** @default "archive" in `folder` */
  readonly archive?: string;
  /** Further settings of both proxies. */
  readonly proxy?: Readonly<Record<string, unknown>>;
  /** Time limits of each kind of proxy. @default the program's own */
  readonly timeouts?: Readonly<Record<"smtp" | "pop3", Readonly<Record<string, number>>>>;
  /** When the archiver runs; null for never. @default every second */
  readonly schedule?: string | null;
  /** Names of profiles, all of them for the same folder. @default "all" */
  readonly profiles?: readonly string[];
  /** In place of one proxy of each kind; one of each kind has to be among them. */
  readonly proxies?: readonly ConfiguredProxy[];
}

/** A proxy as the config has it. */
export interface ConfiguredProxy {
  readonly kind: "smtp" | "pop3";
  readonly listen: readonly { readonly address: string; readonly port: number; readonly tls: TlsMode }[];
  readonly target: Readonly<Record<string, unknown>>;
}

export interface Launch {
  /** Put before the program, as in `["strace", "-f"]`. */
  readonly before?: readonly string[];
  /** A bug of `sown_program.ts`. */
  readonly sown?: string;
}

export interface InstalledProgram {
  readonly folder: string;
  readonly drop: string;
  readonly archive: string;
  /** The first port of each kind. */
  readonly smtpPort: number;
  readonly pop3Port: number;
  /** Starts `mailtee run` and waits until it listens; the caller stops it. */
  run(launch?: Launch): Promise<RunningProgram>;
  /** Starts a command; the caller stops it. */
  start(args: readonly string[], launch?: Launch): RunningProgram;
  /** Runs another command to its end; gives its output. */
  command(...args: readonly string[]): Promise<string>;
}

/** Takes every address of a load. */
export const EVERYBODY = [{ name: "all", addresses: ["*@company.example", "*@other.example"], pop3Users: ["carla"] }];

/** Writes a config: an SMTP and a POP3 proxy, an archive and a profile that deletes what it has archived. */
export async function installProgram(options: InstalledOptions): Promise<InstalledProgram> {
  const { folder, upstream } = options;
  const drop = options.drop ?? join(folder, "drop");
  const archive = options.archive ?? join(folder, "archive");
  const proxies = options.proxies ?? plainProxies(upstream);
  const portOf = (kind: "smtp" | "pop3") => proxies.find((proxy) => proxy.kind === kind)?.listen[0]?.port ?? 0;
  const [smtpPort, pop3Port] = [portOf("smtp"), portOf("pop3")];
  const { schedule = "* * * * * *", profiles = ["all"] } = options;
  const profile = { dropFolder: drop, deleteArchived: true, ...(schedule === null ? {} : { schedule }) };
  const config = {
    dropFolder: drop,
    proxies: proxies.map((proxy) => ({ ...proxy, timeouts: options.timeouts?.[proxy.kind] ?? {}, ...options.proxy })),
    archive: { path: archive, users: EVERYBODY },
    profiles: Object.fromEntries(profiles.map((name) => [name, profile])),
  };
  await Deno.writeTextFile(join(folder, "proxy.config.yaml"), JSON.stringify(config, null, 2));
  const start = (args: readonly string[], launch: Launch = {}) => {
    const [binary = "", ...rest] = [...launch.before ?? [], ...mailteeLine(launch.sown), ...args];
    const env = { NO_COLOR: "1", ...(launch.sown === undefined ? {} : { MAILTEE_SOWN: launch.sown }) };
    return startProgram(binary, { args: rest, cwd: folder, env });
  };
  return {
    folder,
    drop,
    archive,
    smtpPort,
    pop3Port,
    start,
    run: async (launch) => {
      const running = start(["run", "proxy.config.yaml"], launch);
      await whenListening(running, [smtpPort, pop3Port], () => running.stop("SIGKILL"));
      return running;
    },
    command: async (...args) => {
      const running = start(args);
      await running.end;
      return running.output();
    },
  };
}

function plainProxies(upstream: Pick<Upstream, "smtpPort" | "pop3Port">): ConfiguredProxy[] {
  const [smtpPort = 0, pop3Port = 0] = freePorts(2);
  const proxy = (kind: "smtp" | "pop3", port: number, targetPort: number) => ({
    kind,
    listen: [{ address: "127.0.0.1", port, tls: "none" as const }],
    target: { host: "127.0.0.1", port: targetPort, tls: "none" },
  });
  return [proxy("smtp", smtpPort, upstream.smtpPort), proxy("pop3", pop3Port, upstream.pop3Port)];
}
