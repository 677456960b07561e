import { roomLogger } from "../../src/base/log.ts";
import { MailteeError } from "../../src/base/errors.ts";
import { TcpConnection } from "../../src/net/connection.ts";
import type { ListenOptions, TargetOptions, TlsMode } from "../../src/net/types.ts";
import { Counters } from "../../src/pop3/counters.ts";
import { type Pop3ProxyOptions, type Pop3Settings, resolvePop3Options } from "../../src/pop3/options.ts";
import { ProxySession } from "../../src/pop3/proxy_session.ts";
import type { KeptCapture } from "./memory_drop.ts";
import { type DialogProxy, type DialogSetup, registerDialogs } from "./runner.ts";

registerDialogs({
  folder: new URL("pop3/", import.meta.url),
  startProxy: (setup) => Promise.resolve(acceptSessions(setup, listenOptions(setup))),
  factsOf,
  farewell: "",
});

const KNOWN_OPTIONS = new Set([
  "listen.tls",
  "target",
  "target.tls",
  "target.trust",
  "announceClient",
  "onCaptureFailure",
  "requireTlsForAuth",
  "wholeMailTopLines",
  "maxLineBytes",
  "maxErrors",
  "segmentation",
]);

function listenOptions({ options, certificate }: DialogSetup): ListenOptions {
  return { address: "127.0.0.1", port: 0, tls: tlsMode(options.get("listen.tls")), certificate };
}

function settingsOf({ options, targetPort }: DialogSetup, listen: ListenOptions): Pop3Settings {
  for (const key of options.keys()) if (!KNOWN_OPTIONS.has(key)) throw new Error(`unknown option ${key}`);
  const proxyOptions: Pop3ProxyOptions = {
    name: "test",
    listen: [listen],
    target: {
      host: "127.0.0.1",
      port: targetPort,
      tls: tlsMode(options.get("target.tls")),
      trust: options.get("target.trust") === "system" ? { kind: "system" } : { kind: "insecure" },
      connectTimeoutMs: 5000,
    },
    announceClient: options.get("announceClient") === "proxy" ? "proxy" : null,
    onCaptureFailure: options.get("onCaptureFailure") === "pass" ? "pass" : "refuse",
    requireTlsForAuth: options.get("requireTlsForAuth") === "true",
    ...numbersOf(options, ["wholeMailTopLines"]),
    limits: numbersOf(options, ["maxLineBytes", "maxErrors"]),
    timeouts: { greetingMs: 300_000, commandMs: 1_800_000, replyMs: 300_000, dataBlockMs: 180_000 },
  };
  return resolvePop3Options(proxyOptions);
}

function acceptSessions(setup: DialogSetup, listen: ListenOptions): DialogProxy {
  const { deadlines } = setup;
  const settings = settingsOf(setup, listen);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sessions = new Set<ProxySession>();
  const runs: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const tcp of listener) {
      const connection = new TcpConnection(tcp, { deadlines });
      if (listen.tls === "implicit") await connection.startServerTls(setup.certificate);
      const session = new ProxySession({
        id: "1",
        connection,
        listen,
        settings,
        dial: (target) => dialInStillTime(target, setup),
        drop: setup.drop,
        seen: null,
        clock: setup.clock,
        log: roomLogger("pop3"),
        counters: new Counters(),
      });
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
      for (const session of sessions) session.cutShort();
      try {
        listener.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
      await accepting;
      await Promise.all(runs);
    },
  };
}

async function dialInStillTime(target: TargetOptions, { deadlines }: DialogSetup): Promise<TcpConnection> {
  let tcp: Deno.TcpConn;
  try {
    tcp = await Deno.connect({ hostname: target.host, port: target.port });
  } catch (cause) {
    throw new MailteeError("unreachable", "the target is not there", { cause });
  }
  const connection = new TcpConnection(tcp, { deadlines });
  if (target.preamble !== undefined) await connection.write(target.preamble);
  if (target.tls === "implicit") await connection.startClientTls({ serverName: target.host, trust: target.trust });
  return connection;
}

function tlsMode(word: string | undefined): TlsMode {
  return word === "starttls" || word === "implicit" ? word : "none";
}

function numbersOf(options: ReadonlyMap<string, string>, keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.flatMap((key) => {
    const value = options.get(key);
    return value === undefined ? [] : [[key, Number(value)]];
  }));
}

function factsOf({ start, settlement, mail }: KeptCapture): Record<string, string> {
  const { proxy, client, target, pop3 } = start;
  return {
    outcome: settlement.outcome,
    kind: proxy.kind,
    user: pop3?.user ?? "-",
    uidl: pop3?.uidl ?? "-",
    number: String(pop3?.messageNumber),
    auth: client.authenticatedAs ?? "-",
    client: client.address,
    tls: client.tls === null ? "no" : "yes",
    target: target.address,
    targetTls: target.tls === null ? "no" : "yes",
    size: String(mail.length),
  };
}
