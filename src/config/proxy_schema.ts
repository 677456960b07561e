/** The schema of proxies: the part of the config that says who connects, and to which server. */

import * as v from "valibot";
import {
  allowedFrom,
  count,
  fingerprint,
  flag,
  host,
  listenAddress,
  listenPort,
  passwordHash,
  path,
  seconds,
  secret,
  size,
  targetPort,
  text,
  word,
} from "./fields.ts";
import { depends, key, list, section } from "./schema_parts.ts";

const certificate = section("Certificate", {
  certFile: key(path, "PEM file with the certificate, then those that lead to its root."),
  keyFile: key(path, "PEM file with the certificate's private key."),
});

const listen = section("Listen", {
  address: key(
    listenAddress,
    'Address of this machine to listen on: "0.0.0.0" for all of IPv4, "::" for all, "127.0.0.1" for this machine only.',
  ),
  port: depends(
    listenPort,
    "Port to listen on. 0 lets the system choose one, for tests.",
    "25 (smtp), 24 (lmtp), 110 (pop3); with implicit TLS 465 (smtp, lmtp), 995 (pop3)",
  ),
  tls: v.optional(
    key(
      word(["none", "starttls", "implicit"]),
      'TLS with clients. "starttls": offered within the clear-text session (STARTTLS, STLS). "implicit": from the first ' +
        'byte. "none": never.',
    ),
    "starttls",
  ),
  certificate: depends(
    certificate,
    "The listener's certificate.",
    "a self-signed one, made once and kept in `certificateFolder`",
  ),
  proxyProtocol: depends(
    section("ProxyProtocol", {
      from: key(
        v.pipe(list(allowedFrom, "addresses and networks"), v.minLength(1, "at least one address or network")),
        "The load balancers' own addresses, written as in `allowFrom`. Whoever connects from here can pose as any client.",
      ),
    }),
    "Load balancers that say who the client is by a PROXY header, version 1 or 2 (HAProxy's `send-proxy`). From their " +
      "addresses a connection without one is closed; from others a header is no command. `allowFrom`, limits, reports " +
      "and log go by the client's address.",
    "clients connect by themselves",
  ),
});

const trust = v.union(
  [
    v.picklist(["system", "insecure"]),
    v.strictObject({ caFile: path }),
    v.strictObject({ fingerprint }),
  ],
  '"system", { caFile: PATH }, { fingerprint: "sha256:…" } or "insecure"',
);

const targetKeys = {
  host: key(host, "Name or address of the server to relay to."),
  port: depends(
    targetPort,
    "The server's port.",
    "25 (smtp), 24 (lmtp), 110 (pop3); with implicit TLS 465 (smtp, lmtp), 995 (pop3)",
  ),
  tls: v.optional(
    key(
      word(["none", "starttls", "implicit"]),
      'TLS with the server, whatever clients use. "starttls": the session is upgraded, or ended where the server ' +
        "refuses; never clear text instead.",
    ),
    "none",
  ),
  trust: v.optional(
    key(
      trust,
      'Which certificate the server may show. "system": one for `host` that the roots of this machine vouch for. ' +
        "caFile: one for `host` that a root in this PEM file vouches for. fingerprint: this one, whoever vouches for it. " +
        '"insecure": any, so that anybody on the way to the server can read along.',
    ),
    "system",
  ),
  connectTimeoutSeconds: v.optional(
    key(seconds, "How long connecting may take, and the TLS handshake."),
    30,
  ),
};

const smtpTarget = section("SmtpTarget", {
  ...targetKeys,
  credentials: depends(
    section("Credentials", {
      username: key(text("the user name"), "User name at the server."),
      password: key(
        secret,
        "Password: { env: NAME } takes it from the environment or from the file `.env` beside the config, { file: PATH } " +
          "from a file (a newline at its end doesn't count).",
      ),
    }),
    "What the proxy logs in with, in place of its clients. Whoever may connect can then send as this user: see " +
      "`allowFrom`.",
    "clients log in themselves",
  ),
  announceClient: depends(
    word(["xclient", "xforward", "proxy"]),
    'How the server hears who the client is; it has to trust this machine for that. "xclient": its rules and its log ' +
      'see the client (Postfix: smtpd_authorized_xclient_hosts). "xforward": its log alone does ' +
      '(smtpd_authorized_xforward_hosts). "proxy": a PROXY header before all else. Where the server doesn\'t take it, ' +
      "no mail passes.",
    "it sees this machine",
  ),
});

const pop3Target = section("Pop3Target", {
  ...targetKeys,
  announceClient: depends(
    word(["proxy"]),
    'How the server hears who the client is; it has to trust this machine for that. "proxy": a PROXY header before ' +
      "all else (Dovecot: haproxy = yes).",
    "it sees this machine",
  ),
});

const TARGET_DOC = "The server that this proxy stands for.";

const limits = {
  connections: v.optional(key(count(1, 1_000_000), "Open connections in all."), 1000),
  connectionsPerAddress: v.optional(key(count(1, 1_000_000), "Open connections from one address."), 100),
  lineBytes: v.optional(key(count(512, 65_536), "Longest command line, in bytes."), 4096),
  errors: v.optional(key(count(1, 1000), "Bad commands in a session before it is ended."), 20),
};

const timeouts = {
  target: v.optional(key(seconds, "Seconds that the server may take to greet, and to answer a command."), 300),
  data: v.optional(key(seconds, "Seconds that the next piece of a mail may take, on either side."), 180),
};

const reachedBy = {
  name: depends(
    text("a name"),
    "Name in reports, in the log and in `proxy:` of a search.",
    '"SMTP proxy 1", "POP3 proxy 1", …',
  ),
  listen: key(
    v.pipe(list(listen, "addresses to listen on"), v.minLength(1, "a list with at least one address to listen on")),
    "Where clients connect.",
  ),
};

const rules = {
  allowFrom: depends(
    v.pipe(
      list(allowedFrom, "addresses and networks"),
      v.minLength(1, 'at least one entry; ["0.0.0.0/0", "::/0"] allows everybody'),
    ),
    'Who may connect: addresses ("203.0.113.7"), networks ("192.168.0.0/16", "2001:db8::/32"), "localhost", ' +
      '"private" (this machine and private networks). Everybody: ["0.0.0.0/0", "::/0"].',
    '["private"]',
  ),
  dropFolder: depends(path, "Drop folder of this proxy alone.", "the config's `dropFolder`"),
  onCaptureFailure: v.optional(
    key(
      word(["refuse", "pass"]),
      'When a copy can\'t be written, because the disk is full or broken. "refuse": the client is told to try again ' +
        'later. "pass": mails pass without a copy, each logged as an error.',
    ),
    "refuse",
  ),
};

const REQUIRE_TLS_DOC = "Refuse logins of clients in clear text.";

const smtpProxy = section("SmtpProxy", {
  kind: key(word(["smtp", "lmtp"]), "The protocol; lmtp delivers to mailboxes (RFC 2033)."),
  ...reachedBy,
  target: key(smtpTarget, TARGET_DOC),
  ...rules,
  requireTlsForAuth: depends(flag, REQUIRE_TLS_DOC, "false; with `clients` true, except for clients on this machine"),
  clients: depends(
    v.pipe(
      list(
        section("Client", {
          username: key(text("the user name"), "User name, spelled exactly so."),
          passwordHash: key(passwordHash, "What `mailtee password` prints for the password."),
        }),
        "clients",
      ),
      v.minLength(1, "at least one client"),
      v.check(
        (clients) => new Set(clients.map(({ username }) => username)).size === clients.length,
        "clients with different user names",
      ),
    ),
    "Those who may send, by a login at this proxy (AUTH PLAIN and LOGIN); nobody else may, and no login reaches the " +
      "server. `allowFrom` applies besides.",
    "logins are the server's",
  ),
  bareNewline: v.optional(
    key(
      word(["normalize", "reject"]),
      "What becomes of a mail with a CR or LF that stands alone, with which a second mail can be smuggled past a server. " +
        '"normalize": each becomes CRLF, for the server and in the copy alike. "reject": the mail is refused.',
    ),
    "normalize",
  ),
  limits: v.optional(
    key(
      section("SmtpLimits", {
        ...limits,
        recipients: v.optional(key(count(1, 100_000), "Recipients of one mail."), 1000),
        mailSize: depends(size, 'Largest mail: "50MB", or a number of bytes.', "what the server takes"),
      }),
      "Limits; at each the client hears the protocol's own reply.",
    ),
    {},
  ),
  timeouts: v.optional(
    key(
      section("SmtpTimeouts", {
        client: v.optional(key(seconds, "Seconds that a client may take for its next command."), 300),
        ...timeouts,
        dataStart: v.optional(key(seconds, "Seconds that the server may take to answer DATA."), 120),
        dataEnd: v.optional(key(seconds, "Seconds that the server may take to accept a whole mail."), 600),
        refusedData: v.optional(
          key(seconds, "Seconds that a client may go on sending a mail that was refused already."),
          300,
        ),
      }),
      "Time limits (RFC 5321 section 4.5.3.2).",
    ),
    {},
  ),
});

const pop3Proxy = section("Pop3Proxy", {
  kind: key(v.literal("pop3"), "The protocol."),
  ...reachedBy,
  target: key(pop3Target, TARGET_DOC),
  ...rules,
  requireTlsForAuth: v.optional(key(flag, REQUIRE_TLS_DOC), false),
  recapture: v.optional(
    key(
      word(["always", "never"]),
      'Clients that leave mails on the server fetch them again. "never": a mail that was captured before for this ' +
        'account and UIDL, with the same bytes, isn\'t captured again. "always": it is; the archive keeps it once anyway.',
    ),
    "always",
  ),
  wholeMailTopLines: v.optional(
    key(
      count(1, 1_000_000_000),
      "A TOP for at least so many lines of the body is a retrieval, and captured where the whole mail came: fetchmail " +
        "fetches that way what it leaves on the server. Previews ask for some dozen lines.",
    ),
    10_000,
  ),
  limits: v.optional(
    key(section("Limits", limits), "Limits; at each the client hears the protocol's own reply."),
    {},
  ),
  timeouts: v.optional(
    key(
      section("Pop3Timeouts", {
        client: v.optional(key(seconds, "Seconds that a client may take for its next command."), 1800),
        ...timeouts,
      }),
      "Time limits (RFC 1939 section 3).",
    ),
    {},
  ),
});

/** One proxy. */
export const proxySchema = v.variant(
  "kind",
  [smtpProxy, pop3Proxy],
  (issue) => `${issue.path === undefined ? "an object with kind: " : ""}"smtp" or "lmtp" or "pop3"`,
);

export type ParsedProxy = v.InferOutput<typeof proxySchema>;
