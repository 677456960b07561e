/** What the proxies of both protocols need to be hosted by a dialog, and to understand its options. */

import { assertEquals } from "@std/assert";
import { TcpConnection } from "../../src/net/connection.ts";
import { type Dial, dial } from "../../src/net/dial.ts";
import type { SessionStats } from "../../src/net/session_counters.ts";
import type { HostedSession } from "../../src/net/session_host.ts";
import type { ListenOptions, TargetOptions, TlsMode } from "../../src/net/types.ts";
import type { DialogProxy, DialogSetup } from "./runner.ts";

/** A protocol's own part of a proxy. */
export interface HostedProxy {
  readonly counters: { snapshot(): SessionStats };
  open(connection: TcpConnection): HostedSession;
}

/** Gives each client a session, in the dialog's time. */
export function hostSessions(setup: DialogSetup, listen: ListenOptions, proxy: HostedProxy): DialogProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sessions = new Set<HostedSession>();
  const runs: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const tcp of listener) {
      const connection = new TcpConnection(tcp, { deadlines: setup.deadlines });
      if (listen.tls === "implicit") await connection.startServerTls(setup.certificate);
      const session = proxy.open(connection);
      sessions.add(session);
      runs.push(session.run());
    }
  })();
  return {
    port: listener.addr.port,
    drain: () => {
      for (const session of sessions) session.finishSoon();
      return Promise.resolve();
    },
    stop: async () => {
      for (const session of sessions) await session.cutShort();
      try {
        listener.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
      await accepting;
      await Promise.all(runs);
      assertEquals(proxy.counters.snapshot().sessions.ended["internal-error"], undefined, "an error of the program");
    },
  };
}

/** Connects to targets in the dialog's time. */
export function dialInTimeOf({ clock, deadlines }: DialogSetup): Dial {
  return (target, signal) => dial(target, { clock, deadlines, signal });
}

/** Throws where a dialog has options that its protocol doesn't know. */
export function checkOptions({ options }: DialogSetup, known: ReadonlySet<string>): void {
  for (const key of options.keys()) if (!known.has(key)) throw new Error(`unknown option ${key}`);
}

export function listenOptions({ options, certificate }: DialogSetup): ListenOptions {
  return { address: "127.0.0.1", port: 0, tls: tlsMode(options.get("listen.tls")), certificate };
}

export function targetOptions({ options, targetPort }: DialogSetup): TargetOptions {
  return {
    host: "127.0.0.1",
    port: targetPort,
    tls: tlsMode(options.get("target.tls")),
    trust: options.get("target.trust") === "system" ? { kind: "system" } : { kind: "insecure" },
    connectTimeoutMs: 5000,
  };
}

function tlsMode(word: string | undefined): TlsMode {
  return word === "starttls" || word === "implicit" ? word : "none";
}

/** Those of the options that the dialog has, as numbers. */
export function numbersOf({ options }: DialogSetup, keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.flatMap((key) => {
    const value = options.get(key);
    return value === undefined ? [] : [[key, Number(value)]];
  }));
}
