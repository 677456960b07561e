import { join } from "@std/path";
import { stringify } from "@std/yaml";
import { whenListening } from "../peers/listening.ts";
import { freePorts, type RunningProgram } from "../peers/program.ts";
import { type Shell, shellIn } from "./mailtee.ts";

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
export interface Installation extends Shell {
  readonly folder: string;
  readonly dropFolder: string;
  readonly archiveFolder: string;
  /** The same config as YAML. */
  readonly yamlFile: string;
  readonly smtpPort: number;
  readonly pop3Port: number;
  /** Writes the config anew, with these users. */
  configure(users: readonly ConfiguredUser[]): Promise<void>;
  /** Starts `mailtee run`, and waits until both proxies listen; the caller must stop it. */
  run(): Promise<RunningProgram>;
  remove(): Promise<void>;
}

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
  const shell = shellIn(folder);
  return {
    ...shell,
    folder,
    dropFolder: join(folder, "drop"),
    archiveFolder: join(folder, "archive"),
    yamlFile,
    smtpPort,
    pop3Port,
    configure,
    run: async () => {
      const running = shell.start("run", "proxy.config.ts");
      await whenListening(running, [smtpPort, pop3Port], () => running.stop("SIGKILL"));
      return running;
    },
    remove: () => Deno.remove(folder, { recursive: true }),
  };
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
