import { fromFileUrl, join } from "@std/path";
import { stringify } from "@std/yaml";
import {
  freePorts,
  isListening,
  type ProgramResult,
  type RunningProgram,
  runProgram,
  startProgram,
} from "../peers/program.ts";

/** A user as the config names them. */
export interface ConfiguredUser {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly pop3Users?: readonly string[];
}

export interface InstallationOptions {
  /** Ports on this machine of the server that the proxies stand before. */
  readonly smtpTarget: number;
  readonly pop3Target: number;
  readonly users: readonly ConfiguredUser[];
  /** Settings of the profile "nightly". */
  readonly profile?: Readonly<Record<string, unknown>>;
  /** Further settings of both proxies. */
  readonly proxy?: Readonly<Record<string, unknown>>;
}

/** mailtee as a person has it: a folder with a config, and the program. */
export interface Installation {
  readonly folder: string;
  readonly dropFolder: string;
  readonly archiveFolder: string;
  /** The same config as YAML. */
  readonly yamlFile: string;
  readonly smtpPort: number;
  readonly pop3Port: number;
  /** Writes the config anew, with these users. */
  configure(users: readonly ConfiguredUser[]): Promise<void>;
  /** Runs one command in the folder to its end. */
  mailtee(...args: readonly string[]): Promise<ProgramResult>;
  /** Runs one command with `--json` that has to end with `code`; gives the document. */
  json(code: number, ...args: readonly string[]): Promise<unknown>;
  /** Starts any command and leaves it running; the caller must stop it. */
  start(...args: readonly string[]): RunningProgram;
  /** Starts `mailtee run`, and waits until both proxies listen; the caller must stop it. */
  run(): Promise<RunningProgram>;
  remove(): Promise<void>;
}

const repository = fromFileUrl(new URL("../../", import.meta.url));

/** Makes a folder with a config: one SMTP and one POP3 proxy, an archive and the profile "nightly". */
export async function install(options: InstallationOptions): Promise<Installation> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-e2e-" });
  const [smtpPort = 0, pop3Port = 0] = freePorts(2);
  const yamlFile = join(folder, "same.config.yaml");
  const configure = async (users: readonly ConfiguredUser[]) => {
    const document = configDocument({ ...options, users, smtpPort, pop3Port });
    await Deno.writeTextFile(join(folder, "proxy.config.ts"), typescriptOf(document));
    await Deno.writeTextFile(yamlFile, stringify(document));
  };
  await configure(options.users);
  const { mailtee, start } = runIn(folder);
  return {
    folder,
    dropFolder: join(folder, "drop"),
    archiveFolder: join(folder, "archive"),
    yamlFile,
    smtpPort,
    pop3Port,
    configure,
    mailtee,
    json: async (code, ...args) => {
      const result = await mailtee(...args, "--json");
      const text = new TextDecoder().decode(result.stdout);
      if (result.code !== code) {
        throw new Error(`mailtee ${args.join(" ")} ended with ${result.code}, not ${code}:\n${text}${result.stderr}`);
      }
      return JSON.parse(text);
    },
    start,
    run: async () => {
      const running = start("run", "proxy.config.ts");
      try {
        await running.waitFor(async () => await isListening(smtpPort) && await isListening(pop3Port));
        return running;
      } catch (error) {
        await running.stop("SIGKILL");
        throw error;
      }
    },
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}

/** The program, run in a folder: `mailtee` to its end, `start` in the background. */
export function runIn(folder: string): Pick<Installation, "mailtee" | "start"> {
  const commandLine = (args: readonly string[]) => ({ ...program(args), cwd: folder, env: { NO_COLOR: "1" } });
  return {
    mailtee: (...args) => runProgram(program(args).binary, commandLine(args)),
    start: (...args) => startProgram(program(args).binary, commandLine(args)),
  };
}

/** The program under test: the executable that `MAILTEE_BIN` names, else the sources. */
function program(args: readonly string[]): { readonly binary: string; readonly args: readonly string[] } {
  const executable = Deno.env.get("MAILTEE_BIN");
  if (executable !== undefined) return { binary: executable, args };
  return { binary: Deno.execPath(), args: ["run", "-A", join(repository, "main.ts"), ...args] };
}

function configDocument(options: InstallationOptions & { readonly smtpPort: number; readonly pop3Port: number }) {
  const target = (port: number) => ({ host: "127.0.0.1", port, tls: "none" });
  const listen = (port: number) => [{ address: "127.0.0.1", port }];
  return {
    dropFolder: "./drop",
    proxies: [
      { kind: "smtp", listen: listen(options.smtpPort), target: target(options.smtpTarget), ...options.proxy },
      { kind: "pop3", listen: listen(options.pop3Port), target: target(options.pop3Target), ...options.proxy },
    ],
    archive: { path: "./archive", users: options.users },
    profiles: { nightly: { ...options.profile } },
  };
}

function typescriptOf(document: unknown): string {
  return [
    'import type { Config } from "./mailtee.d.ts";',
    "",
    `export default ${JSON.stringify(document, null, 2)} satisfies Config;`,
    "",
  ].join("\n");
}
