import { roomLogger } from "../../src/base/log.ts";
import { Counters } from "../../src/smtp/counters.ts";
import { type ClientLogin, LoginGate } from "../../src/smtp/login_gate.ts";
import { type AnnounceClient, resolveSmtpOptions, type SmtpProxyOptions } from "../../src/smtp/options.ts";
import { ProxySession } from "../../src/smtp/proxy_session.ts";
import { checkOptions, dialInTimeOf, hostSessions, listenOptions, numbersOf, targetOptions } from "./hosting.ts";
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
  "failedLogins",
  "onCaptureFailure",
  "bareNewline",
  "requireTlsForAuth",
  "maxLineBytes",
  "maxRecipients",
  "maxMailBytes",
  "maxErrors",
  "segmentation",
]);

async function startProxy(setup: DialogSetup): Promise<DialogProxy> {
  const { options, drop, clock } = setup;
  checkOptions(setup, KNOWN_OPTIONS);
  const listen = listenOptions(setup);
  const resolved = resolveSmtpOptions({
    name: "test",
    kind: options.get("kind") === "lmtp" ? "lmtp" : "smtp",
    listen: [listen],
    target: targetOptions(setup),
    ...credentialsOf(options.get("credentials")),
    clients: clientsOf(options.get("clients")),
    announceClient: announcementOf(options.get("announceClient")),
    onCaptureFailure: options.get("onCaptureFailure") === "pass" ? "pass" : "refuse",
    bareNewline: options.get("bareNewline") === "reject" ? "reject" : "normalize",
    requireTlsForAuth: tlsForAuthOf(options.get("requireTlsForAuth")),
    limits: numbersOf(setup, ["maxLineBytes", "maxRecipients", "maxMailBytes", "maxErrors"]),
  });
  const counters = new Counters();
  // The delays after failed logins have tests of their own.
  const loginGate = new LoginGate({ ...clock, sleep: () => Promise.resolve() });
  await failLogins(loginGate, Number(options.get("failedLogins") ?? 0));
  return hostSessions(setup, listen, {
    counters,
    open: (connection) =>
      new ProxySession({
        id: "1",
        connection,
        listen,
        options: resolved,
        dial: dialInTimeOf(setup),
        drop,
        clock,
        log: roomLogger("smtp"),
        counters,
        loginGate,
      }),
  });
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

/** The client's address has failed so often before. */
async function failLogins(gate: LoginGate, times: number): Promise<void> {
  const { signal } = new AbortController();
  const credentials = { username: "anna", password: "guessed" };
  for (; times > 0; times--) await gate.check({ clients: [ANNA], credentials, address: "127.0.0.1", signal });
}

function tlsForAuthOf(word: string | undefined): boolean | "from-elsewhere" {
  return word === "from-elsewhere" ? word : word === "true";
}

function credentialsOf(text: string | undefined): Pick<SmtpProxyOptions, "credentials"> {
  if (text === undefined) return {};
  const [username = "", password = ""] = text.split(" ");
  return { credentials: { username, password: { reveal: () => password } } };
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
