import { assertEquals } from "@std/assert";
import { roomLogger } from "../../src/base/log.ts";
import { TcpConnection } from "../../src/net/connection.ts";
import { dial } from "../../src/net/dial.ts";
import type { ListenOptions, TargetOptions, TlsMode } from "../../src/net/types.ts";
import { type ClientLogin, LoginGate } from "../../src/smtp/login_gate.ts";
import { Counters } from "../../src/smtp/counters.ts";
import { type AnnounceClient, resolveSmtpOptions, type SmtpProxyOptions } from "../../src/smtp/options.ts";
import { ProxySession } from "../../src/smtp/proxy_session.ts";
import type { KeptCapture } from "./memory_drop.ts";
import { type DialogProxy, type DialogSetup, registerDialogs } from "./runner.ts";

registerDialogs({
  folder: new URL("smtp/", import.meta.url),
  startProxy,
  factsOf,
  farewell: "QUIT\r\n",
});

const KNOWN_OPTIONS = new Set([
  "kind",
  "listen.tls",
  "target",
  "target.tls",
  "target.trust",
  "credentials",
  "announceClient",
  "clients",
  "onCaptureFailure",
  "bareNewline",
  "requireTlsForAuth",
  "maxLineBytes",
  "maxRecipients",
  "maxMailBytes",
  "maxErrors",
  "segmentation",
]);

function startProxy(setup: DialogSetup): Promise<DialogProxy> {
  const { options, targetPort } = setup;
  for (const key of options.keys()) if (!KNOWN_OPTIONS.has(key)) throw new Error(`unknown option ${key}`);
  const listen: ListenOptions = {
    address: "127.0.0.1",
    port: 0,
    tls: tlsMode(options.get("listen.tls")),
    certificate: setup.certificate,
  };
  const proxyOptions: SmtpProxyOptions = {
    name: "test",
    kind: options.get("kind") === "lmtp" ? "lmtp" : "smtp",
    listen: [listen],
    target: {
      host: "127.0.0.1",
      port: targetPort,
      tls: tlsMode(options.get("target.tls")),
      trust: options.get("target.trust") === "system" ? { kind: "system" } : { kind: "insecure" },
      connectTimeoutMs: 5000,
    },
    ...credentialsOf(options.get("credentials")),
    clients: clientsOf(options.get("clients")),
    announceClient: announcementOf(options.get("announceClient")),
    onCaptureFailure: options.get("onCaptureFailure") === "pass" ? "pass" : "refuse",
    bareNewline: options.get("bareNewline") === "reject" ? "reject" : "normalize",
    requireTlsForAuth: tlsForAuthOf(options.get("requireTlsForAuth")),
    limits: numbersOf(options, ["maxLineBytes", "maxRecipients", "maxMailBytes", "maxErrors"]),
  };
  return Promise.resolve(acceptSessions(setup, proxyOptions, listen));
}

function acceptSessions(setup: DialogSetup, options: SmtpProxyOptions, listen: ListenOptions): DialogProxy {
  const resolved = resolveSmtpOptions(options);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { clock, deadlines } = setup;
  const sessions = new Set<ProxySession>();
  const counters = new Counters();
  // The delays after failed logins have tests of their own.
  const loginGate = new LoginGate({ ...clock, sleep: () => Promise.resolve() });
  const runs: Promise<void>[] = [];
  const dialInStillTime = (target: TargetOptions, signal: AbortSignal) => dial(target, { clock, deadlines, signal });
  const accepting = (async () => {
    for await (const tcp of listener) {
      const connection = new TcpConnection(tcp, { deadlines });
      if (listen.tls === "implicit") await connection.startServerTls(setup.certificate);
      const session = new ProxySession({
        id: "1",
        connection,
        listen,
        options: resolved,
        dial: dialInStillTime,
        drop: setup.drop,
        clock,
        log: roomLogger("smtp"),
        counters,
        loginGate,
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
      for (const session of sessions) await session.cutShort();
      try {
        listener.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
      await accepting;
      await Promise.all(runs);
      assertEquals(counters.snapshot().sessions.ended["internal-error"], undefined, "an error of the program");
    },
  };
}

function tlsMode(word: string | undefined): TlsMode {
  return word === "starttls" || word === "implicit" ? word : "none";
}

function announcementOf(word: string | undefined): AnnounceClient | null {
  return word === "xclient" || word === "xforward" || word === "proxy" ? word : null;
}

/** anna's password is "open sesame"; the hash is cheap to check. */
const ANNA = {
  username: "anna",
  passwordHash: "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$oYy1YqZ/5izIhYt9GDBzTpfeMo8eLVrdZEeIN+5OHxg",
};

function clientsOf(word: string | undefined): readonly ClientLogin[] | null {
  return word === "anna" ? [ANNA] : null;
}

function tlsForAuthOf(word: string | undefined): boolean | "from-elsewhere" {
  return word === "from-elsewhere" ? word : word === "true";
}

function credentialsOf(text: string | undefined): Pick<SmtpProxyOptions, "credentials"> {
  if (text === undefined) return {};
  const [username = "", password = ""] = text.split(" ");
  return { credentials: { username, password: { reveal: () => password } } };
}

function numbersOf(options: ReadonlyMap<string, string>, keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.flatMap((key) => {
    const value = options.get(key);
    return value === undefined ? [] : [[key, Number(value)]];
  }));
}

function factsOf({ start, settlement, mail }: KeptCapture): Record<string, string> {
  const { client, target, smtp } = start;
  const { mailFrom = "", params = [] } = smtp ?? {};
  const recipients = settlement.recipients ?? smtp?.recipients ?? [];
  const rejected = settlement.rejectedRecipients ?? smtp?.rejectedRecipients ?? [];
  const oneLine = (reply: string) => reply.replaceAll("\n", "/");
  return {
    outcome: settlement.outcome,
    from: mailFrom,
    params: params.join(","),
    to: recipients.map(({ address }) => address).join(","),
    rcptParams: recipients.map((recipient) => recipient.params.join(";")).join("|"),
    rejected: rejected.map(({ address }) => address).join(","),
    replies: recipients.map(({ reply }) => oneLine(reply)).join("|"),
    rejections: rejected.map(({ reply }) => oneLine(reply)).join("|"),
    reply: settlement.reply === undefined ? "-" : oneLine(settlement.reply),
    helo: client.helo ?? "-",
    auth: client.authenticatedAs ?? "-",
    client: client.address,
    tls: client.tls === null ? "no" : "yes",
    target: target.address,
    targetTls: target.tls === null ? "no" : "yes",
    size: String(mail.length),
  };
}
