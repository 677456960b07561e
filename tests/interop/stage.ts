import { join } from "@std/path";
import { systemClock } from "../../src/base/clock.ts";
import { roomLogger } from "../../src/base/log.ts";
import { type FileDropWriter, openDropWriter } from "../../src/drop/writer.ts";
import type { AddressList, ListenOptions, TargetOptions, TlsMode } from "../../src/net/types.ts";
import type { Pop3ProxyOptions } from "../../src/pop3/options.ts";
import { startPop3Proxy } from "../../src/pop3/proxy.ts";
import type { SmtpProxyOptions } from "../../src/smtp/options.ts";
import { startSmtpProxy } from "../../src/smtp/proxy.ts";
import { type ReadCapture, readCaptures } from "../peers/captures.ts";
import { makeCertificate, type TestCertificate } from "../peers/certificate.ts";

export const TLS_MODES: readonly TlsMode[] = ["none", "starttls", "implicit"];

/** Ports of one proxy, by the TLS mode of the listener. */
export type PortsByMode = Readonly<Record<TlsMode, number>>;

/** A temporary folder with a certificate and a drop folder, and proxies that write into it. */
export interface Stage {
  readonly folder: string;
  readonly certificate: TestCertificate;
  /** Makes an empty folder that other users can enter. */
  subfolder(name: string): Promise<string>;
  /** Starts a proxy that listens in all three modes. */
  smtpProxy(options: SmtpChoice & TargetChoice): Promise<PortsByMode>;
  pop3Proxy(options: Pick<Pop3ProxyOptions, "name" | "announceClient"> & TargetChoice): Promise<PortsByMode>;
  /** What the drop folder holds. */
  captures(): ReadCapture[];
}

type SmtpChoice = Pick<SmtpProxyOptions, "name" | "kind" | "credentials" | "allowFrom" | "announceClient" | "clients">;

interface TargetChoice {
  readonly targetPort: number;
  readonly targetTls: TlsMode;
  /** Whose PROXY headers the proxy believes. */
  readonly loadBalancers?: AddressList;
}

interface Stoppable {
  stop(): Promise<unknown>;
}

/** Builds a stage, and takes it down after `act`. What `act` starts itself it hands to `onEnd`. */
export async function withStage(
  act: (stage: Stage, onEnd: <T extends Stoppable>(started: T) => T) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-interop-" });
  const running: Stoppable[] = [];
  try {
    await Deno.chmod(folder, 0o755); // peers that run as other users have their files below
    const certificate = await makeCertificate(folder);
    const drop = await openDropWriter(join(folder, "drop"));
    running.push({ stop: () => drop.close() });
    await act(stageOf(folder, certificate, drop, running), (started) => {
      running.push(started);
      return started;
    });
  } finally {
    for (const each of running.reverse()) await each.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

function stageOf(folder: string, certificate: TestCertificate, drop: FileDropWriter, running: Stoppable[]): Stage {
  const listen = ({ loadBalancers }: TargetChoice) =>
    TLS_MODES.map((tls): ListenOptions => ({
      address: "127.0.0.1",
      port: 0,
      tls,
      certificate,
      ...(loadBalancers === undefined ? {} : { loadBalancers }),
    }));
  const target = ({ targetPort, targetTls }: TargetChoice): TargetOptions => ({
    host: "localhost",
    port: targetPort,
    tls: targetTls,
    trust: { kind: "ca", pem: certificate.cert },
    connectTimeoutMs: 30_000,
  });
  const keep = (proxy: Stoppable & { readonly addresses: readonly { readonly port: number }[] }): PortsByMode => {
    running.push(proxy);
    const [none = 0, starttls = 0, implicit = 0] = proxy.addresses.map(({ port }) => port);
    return { none, starttls, implicit };
  };
  const dependencies = { drop, clock: systemClock };
  return {
    folder,
    certificate,
    subfolder: async (name) => {
      const path = join(folder, name);
      await Deno.mkdir(path);
      await Deno.chmod(path, 0o755);
      return path;
    },
    smtpProxy: async (
      { name, kind = "smtp", credentials, allowFrom = [], announceClient = null, clients = null, ...choice },
    ) => {
      const options = {
        ...{ name, kind, allowFrom, announceClient, clients, listen: listen(choice), target: target(choice) },
        ...(credentials === undefined ? {} : { credentials }),
      };
      return keep(await startSmtpProxy(options, { ...dependencies, log: roomLogger("smtp") }));
    },
    pop3Proxy: async ({ name, announceClient = null, ...choice }) => {
      const options = { name, announceClient, listen: listen(choice), target: target(choice) };
      return keep(await startPop3Proxy(options, { ...dependencies, log: roomLogger("pop3") }));
    },
    captures: () => readCaptures(join(folder, "drop")),
  };
}
