/**
 * The config as people write it: for every key its type, its default and what it means. `mailtee.d.ts`, the check of a
 * config, its error messages and the tables of docs/configuration.md are all made from this.
 */

import * as v from "valibot";
import {
  allowedFrom,
  count,
  fingerprint,
  flag,
  host,
  listenAddress,
  listenPort,
  mode,
  path,
  schedule,
  seconds,
  secret,
  size,
  targetPort,
  text,
  timeZone,
  userAddress,
  whole,
  word,
} from "./fields.ts";

/** A key with its meaning. */
function key<const Schema extends v.GenericSchema>(schema: Schema, doc: string) {
  return v.pipe(schema, v.description(doc));
}

/** A key that may be left out; what it is then can't be told by one value, so it is told in words. */
function depends<const Schema extends v.GenericSchema>(schema: Schema, doc: string, defaultWords: string) {
  return v.optional(v.pipe(schema, v.description(doc), v.metadata({ defaultWords })));
}

/** An object with these keys and no others; its type has a name in `mailtee.d.ts`. */
function section<const Entries extends v.ObjectEntries>(name: string, entries: Entries) {
  return v.pipe(
    v.object(entries, `an object with ${Object.keys(entries).join(", ")}`),
    v.title(name),
  );
}

function list<const Item extends v.GenericSchema>(item: Item, allowed: string) {
  return v.array(item, `a list of ${allowed}`);
}

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
      'Which certificate the server may show. "system": one that this machine\'s roots vouch for, for `host`. ' +
        "{ caFile }: one that a root in this PEM file vouches for, for `host`. { fingerprint }: exactly this one. " +
        '"insecure": any, so anybody between here and the server can read along.',
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
});

const pop3Target = section("Pop3Target", targetKeys);

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
  requireTlsForAuth: v.optional(
    key(flag, "Refuse logins of clients in clear text."),
    false,
  ),
};

const smtpProxy = section("SmtpProxy", {
  kind: key(word(["smtp", "lmtp"]), "The protocol; lmtp delivers to mailboxes (RFC 2033)."),
  ...reachedBy,
  target: key(smtpTarget, TARGET_DOC),
  ...rules,
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

const user = section("User", {
  name: key(text("a name"), "Name of the user in the archive and in `user:` of a search."),
  addresses: v.optional(
    key(
      list(userAddress, "addresses"),
      'Mails to and from these addresses are the user\'s. Patterns: "*@company.example", "anna+*@company.example".',
    ),
    [],
  ),
  pop3Users: v.optional(
    key(list(text("a POP3 user name"), "POP3 user names"), "Mails fetched under these POP3 user names are the user's."),
    [],
  ),
});

/** The list of users, in the config or in a file of its own. */
export const usersSchema = list(user, "users");

const usersFile = v.pipe(
  v.object({ file: key(path, "YAML or JSON file with a list of users.") }, "a list of users or { file: PATH }"),
  v.description("The list of users in a file of its own."),
);

/** Where the archive is, and for whom. */
export const archiveSchema = section("Archive", {
  path: key(path, "Folder of the archive."),
  users: v.optional(
    key(
      v.lazy((given) => Array.isArray(given) ? usersSchema : usersFile),
      "Who has which addresses; or { file: PATH } with the same list in a YAML or JSON file.",
    ),
    [],
  ),
});

/** One archive profile. */
export const profileSchema = section("Profile", {
  dropFolder: depends(path, "The drop folder to take mails from.", "the config's `dropFolder`"),
  deleteArchived: v.optional(
    key(flag, "Delete a capture from the drop folder once its mail is safe in the archive."),
    false,
  ),
  deleteUnassigned: v.optional(
    key(flag, "Delete captures whose addresses no user has. They are gone then: nobody has archived them."),
    false,
  ),
  schedule: depends(
    schedule,
    'When `mailtee run` runs the profile, as a cron expression: "0 2 * * *" is every night at two.',
    "only when `mailtee archive` asks for it",
  ),
  timeZone: depends(timeZone, 'Time zone of the schedule: "Europe/Berlin".', "this machine's"),
});

/** The whole document. */
export const configSchema = section("Config", {
  dropFolder: v.optional(
    key(path, "Folder that the proxies write captures into, and profiles take them from. May be on a network share."),
    "./drop",
  ),
  proxies: v.optional(
    key(list(proxySchema, "proxies"), "The proxies; none on a machine that only archives."),
    [],
  ),
  archive: depends(archiveSchema, "The archive.", "none, on a machine that only relays"),
  profiles: v.optional(
    key(
      v.record(text("a name"), profileSchema, "an object with one profile a name"),
      "How the drop folder is emptied into the archive, by name: `mailtee archive --profile NAME`.",
    ),
    {},
  ),
  log: v.optional(
    key(
      section("Log", {
        level: v.optional(
          key(word(["debug", "info", "warning", "error"]), "What is logged: this and what is worse."),
          "info",
        ),
        format: v.optional(key(word(["text", "json"]), "One line of text or one JSON object a record."), "text"),
      }),
      "The log, on standard error; `--log-level` and `--log-format` go before it.",
    ),
    {},
  ),
  drainSeconds: v.optional(
    key(
      whole(0, 3600, "whole seconds from 0 to 3600"),
      "How long running sessions may take to finish when `mailtee run` is stopped or restarted.",
    ),
    30,
  ),
  permissions: v.optional(
    key(
      section("Permissions", {
        files: v.optional(key(mode, "Permissions of files in the drop folder and the archive."), "0600"),
        folders: v.optional(key(mode, "Permissions of folders."), "0700"),
      }),
      "Unix permissions; widen them where an archiver under another user shares the drop folder.",
    ),
    {},
  ),
  certificateFolder: v.optional(
    key(path, "Folder of the self-signed certificate, for listeners that name no certificate of their own."),
    ".",
  ),
});

/** A config as it is written. */
export type ConfigInput = v.InferInput<typeof configSchema>;
/** A config with its defaults, paths not yet absolute. */
export type ParsedConfig = v.InferOutput<typeof configSchema>;
export type ParsedProxy = v.InferOutput<typeof proxySchema>;
export type ParsedArchive = v.InferOutput<typeof archiveSchema>;
export type ParsedProfile = v.InferOutput<typeof profileSchema>;
export type ParsedUsers = v.InferOutput<typeof usersSchema>;
