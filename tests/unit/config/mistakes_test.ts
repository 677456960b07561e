import { assertEquals, assertNotMatch } from "@std/assert";
import { pathText } from "../../../src/config/mistakes.ts";
import { complaintAbout } from "./folder.ts";

/** What is said about a document. */
function complaint(document: unknown): Promise<string> {
  return complaintAbout({ "proxy.config.yaml": JSON.stringify(document) });
}

/** A document with one SMTP proxy that has these keys besides the necessary ones. */
function withProxy(keys: Record<string, unknown>): unknown {
  return { proxies: [{ kind: "smtp", listen: [{ address: "127.0.0.1" }], target: { host: "a.example" }, ...keys }] };
}

Deno.test("pathText() writes paths as one would in code", () => {
  assertEquals(pathText(["proxies", 1, "target", "port"]), "proxies[1].target.port");
  assertEquals(pathText(["profiles", "every night", "schedule"]), `profiles["every night"].schedule`);
  assertEquals(pathText([0, "name"]), "[0].name");
  assertEquals(pathText([]), "");
});

const ONE_MISTAKE: readonly (readonly [document: unknown, complaint: string])[] = [
  [
    5,
    "found 5; allowed: an object with dropFolder, proxies, archive, profiles, log, drainSeconds, permissions, certificateFolder.",
  ],
  [{}, "there are neither proxies nor an archive, so nothing to do."],
  [{ proxies: [] }, "there are neither proxies nor an archive, so nothing to do."],
  [{ ...Object(withProxy({})), dropfolder: "x" }, "dropfolder: unknown key. Did you mean dropFolder?"],
  [
    { ...Object(withProxy({})), smtp: {} },
    "smtp: unknown key; allowed: dropFolder, archive, profiles, log, drainSeconds, permissions, certificateFolder.",
  ],
  [
    { ...Object(withProxy({})), profiles: { a: {} } },
    "archive: is missing: the profiles have nowhere to put mails. archive: { path } names it.",
  ],
  [{ proxies: [{}] }, `proxies[0].kind: found nothing; allowed: "smtp" or "lmtp" or "pop3".`],
  [
    { proxies: [{ kind: "smpt" }] },
    `proxies[0].kind: found "smpt"; allowed: "smtp" or "lmtp" or "pop3". Did you mean "smtp"?`,
  ],
  [{ proxies: ["smtp"] }, `proxies[0]: found "smtp"; allowed: an object with kind: "smtp" or "lmtp" or "pop3".`],
  [
    withProxy({ listen: [] }),
    "proxies[0].listen: found an empty list; allowed: a list with at least one address to listen on.",
  ],
  [
    withProxy({ listen: [{ address: "mail.example" }] }),
    `proxies[0].listen[0].address: found "mail.example"; allowed: an IPv4 or IPv6 address of this machine, "0.0.0.0" for all of IPv4, "::" for all, or "localhost".`,
  ],
  [
    withProxy({ listen: [{ address: "::", port: 65_536 }] }),
    "proxies[0].listen[0].port: found 65536; allowed: a port number from 1 to 65535, or 0 to let the system choose.",
  ],
  [
    withProxy({ listen: [{ address: "::", tls: "startls" }] }),
    `proxies[0].listen[0].tls: found "startls"; allowed: "none" or "starttls" or "implicit". Did you mean "starttls"?`,
  ],
  [withProxy({ target: {} }), "proxies[0].target.host: is missing. Name or address of the server to relay to."],
  [
    withProxy({ target: { host: "" } }),
    `proxies[0].target.host: found ""; allowed: a server's name or address, without port or scheme.`,
  ],
  [
    withProxy({ target: { host: "smtp://a.example" } }),
    `proxies[0].target.host: found "smtp://a.example"; allowed: a server's name or address, without port or scheme.`,
  ],
  [
    withProxy({ target: { host: "a.example:25" } }),
    `proxies[0].target.host: found "a.example:25"; allowed: a server's name or address, without port or scheme.`,
  ],
  [
    withProxy({ target: { host: "a.example", port: 0 } }),
    "proxies[0].target.port: found 0; allowed: a port number from 1 to 65535.",
  ],
  [
    withProxy({ target: { host: "a.example", port: "25" } }),
    `proxies[0].target.port: found "25"; allowed: a port number from 1 to 65535.`,
  ],
  [
    withProxy({ target: { host: "a.example", trust: "any" } }),
    `proxies[0].target.trust: found "any"; allowed: "system", { caFile: PATH }, { fingerprint: "sha256:…" } or "insecure".`,
  ],
  [
    withProxy({ allowFrom: [] }),
    `proxies[0].allowFrom: found an empty list; allowed: at least one entry; ["0.0.0.0/0", "::/0"] allows everybody.`,
  ],
  [
    withProxy({ allowFrom: ["192.168.0.0/33"] }),
    `proxies[0].allowFrom[0]: found "192.168.0.0/33"; allowed: an address, a network such as "192.168.0.0/16", "private" or "localhost".`,
  ],
  [
    withProxy({ limits: { mailSize: "50 apples" } }),
    `proxies[0].limits.mailSize: found "50 apples"; allowed: a number of bytes or a size such as "50MB".`,
  ],
  [
    withProxy({ recapture: "never" }),
    "proxies[0].recapture: unknown key; allowed: name, allowFrom, dropFolder, onCaptureFailure, requireTlsForAuth, clients, bareNewline, limits, timeouts.",
  ],
  [
    { archive: { path: "a" }, profiles: { a: { schedule: "0 2 * *" } } },
    `profiles.a.schedule: found "0 2 * *"; allowed: a cron expression: minute, hour, day of month, month, day of week, such as "0 2 * * *".`,
  ],
  [
    { archive: { path: "a" }, profiles: { a: { schedule: "0 0 30 2 *" } } },
    `profiles.a.schedule: found "0 0 30 2 *"; allowed: a cron expression: minute, hour, day of month, month, day of week, such as "0 2 * * *".`,
  ],
  [
    { archive: { path: "a" }, profiles: { a: { timeZone: "Europe/Berln" } } },
    `profiles.a.timeZone: found "Europe/Berln"; allowed: a time zone such as "Europe/Berlin".`,
  ],
  [
    { archive: { path: "a", users: { fil: "x" } } },
    [
      "archive.users.fil: unknown key. Did you mean file?",
      "archive.users.file: is missing. YAML or JSON file with a list of users.",
    ].join("|"),
  ],
  [{ archive: { path: "a", users: 5 } }, "archive.users: found 5; allowed: a list of users or { file: PATH }."],
  [
    { archive: { path: "a", users: [{ name: "anna" }, { name: "anna" }] } },
    `archive.users[1].name: "anna" is the name of archive.users[0] already.`,
  ],
  [
    { archive: { path: "a", users: [{ name: "anna", addresses: ["<anna@company.example>"] }] } },
    `archive.users[0].addresses[0]: found "<anna@company.example>"; allowed: an address such as "anna@company.example" or a pattern such as "*@company.example", without spaces or angle brackets.`,
  ],
  [
    { ...Object(withProxy({})), permissions: { files: "0444" } },
    `permissions.files: found "0444"; allowed: permissions in octal, in quotes, that let the owner read and write: "0600", "0640", "0770".`,
  ],
  [{ ...Object(withProxy({})), drainSeconds: 1.5 }, "drainSeconds: found 1.5; allowed: whole seconds from 0 to 3600."],
];

Deno.test("loadConfig() says for each mistake where it is, what was found and what is allowed", async () => {
  for (const [document, expected] of ONE_MISTAKE) {
    const [first, ...others] = expected.split("|");
    const text = await complaint(document);
    assertEquals(
      text,
      others.length === 0
        ? `DIR/proxy.config.yaml: ${first}`
        : [`DIR/proxy.config.yaml has ${others.length + 1} mistakes:`, first, ...others].join("\n  "),
    );
  }
});

Deno.test("loadConfig() tells all mistakes at once: of values, of keys and between parts", async () => {
  const text = await complaint({
    dropfolder: "x",
    proxies: [
      { kind: "smtp", name: "A", listen: [{ address: "127.0.0.1", port: 2525 }], target: { host: "a.example" } },
      { kind: "smtp", name: "A", listen: [{ address: "localhost", port: 2525 }], target: { host: "a.example" } },
      { kind: "pop3", listen: [{ adress: "::" }], target: { host: "a.example", port: 99_999, credentials: {} } },
      {
        kind: "smtp",
        listen: [{ address: "::" }],
        target: { host: "a.example", trust: { caFile: "ca.pem" } },
      },
    ],
    profiles: { nightly: { schedule: "soon" } },
    archive: { path: "a", users: { file: "users.yaml" } },
  });
  const lines = text.split("\n").map((line) => line.replace(/: (found|unknown|is missing|DIR|"|127).*/, ""));
  assertEquals(lines, [
    "DIR/proxy.config.yaml has 10 mistakes:",
    "  dropfolder",
    "  profiles.nightly.schedule",
    "  proxies[2].listen[0].address",
    "  proxies[2].listen[0].adress",
    "  proxies[2].target.credentials",
    "  proxies[2].target.port",
    "  proxies[3].target.trust.caFile",
    "  proxies[1].name",
    "  proxies[1].listen[0]",
    "  archive.users.file",
  ]);
});

Deno.test("loadConfig() lets two listeners share port 0, or a port on other addresses", async () => {
  const listen = [
    { address: "127.0.0.1", port: 0 },
    { address: "127.0.0.1", port: 0 },
    { address: "::1", port: 2525 },
    { address: "127.0.0.2", port: 2525 },
  ];
  const text = await complaint({ ...Object(withProxy({ listen })), x: 1 });
  assertEquals(text.split("\n").length, 1);
});

Deno.test("loadConfig() never shows a secret in a complaint", async () => {
  const held = (credentials: unknown) => withProxy({ target: { host: "a.example", credentials } });
  const documents = [
    held({ username: "u", password: ["hunter2"] }),
    held({ username: "u", password: { value: "hunter2" } }),
    held({ username: 5, password: "hunter2", passwrd: "hunter2" }),
    held({ username: "", password: "hunter2" }),
    withProxy({ target: { host: "a.example", password: "hunter2" } }),
    withProxy({ password: "hunter2" }),
  ];
  for (const document of documents) assertNotMatch(await complaint(document), /hunter2/);
});

Deno.test("loadConfig() cuts long values and doesn't print objects", async () => {
  const text = await complaint(withProxy({ bareNewline: "x".repeat(1000), requireTlsForAuth: { a: 1 } }));
  assertEquals(text.includes(`found "${"x".repeat(60)}…"`), true);
  assertEquals(text.includes("requireTlsForAuth: found an object; allowed: true or false."), true);
});
