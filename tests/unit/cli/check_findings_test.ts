import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { denoFileOps, type FileOps } from "../../../src/base/files.ts";
import { archiveFindings } from "../../../src/cli/check/archive_findings.ts";
import type { Finding } from "../../../src/cli/check/findings.ts";
import { folderFindings } from "../../../src/cli/check/folder_findings.ts";
import { listenerFindings } from "../../../src/cli/check/listener_findings.ts";
import { proxyFindings } from "../../../src/cli/check/proxy_findings.ts";
import { upcomingRuns } from "../../../src/cli/check/schedules.ts";
import { secretFindings } from "../../../src/cli/check/secret_findings.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { ResolvedConfig } from "../../../src/config/types.ts";
import { ensureSelfSigned } from "../../../src/net/certificates.ts";
import { loadFrom, withFolder } from "../config/folder.ts";

/** "code where" of each finding that isn't a note. */
function codes(findings: readonly Finding[]): string[] {
  return findings.filter(({ severity }) => severity !== "note").map(({ code, where }) => `${code} ${where}`);
}

/** A config with one proxy, written as YAML flow. */
function withProxy(proxy: string): Promise<ResolvedConfig> {
  return loadFrom({ "proxy.config.yaml": `proxies: [{ ${proxy} }]` });
}

const HASH = "$scrypt$ln=15,r=8,p=1$H2G8QVMaoMyJACRIqH5KEg$jrO+Pd/RO+Gw6HHDL2G2t0o0jfJaKEChktoRPiZxRek";
const HELD = `credentials: { username: office, password: hunter2 }`;

Deno.test("proxyFindings() warns where a proxy may relay for strangers", async () => {
  const cases: readonly (readonly [proxy: string, warned: boolean])[] = [
    [`kind: smtp, listen: [{ address: 0.0.0.0 }], target: { host: a.example }`, true],
    [`kind: smtp, listen: [{ address: "::" }], target: { host: a.example }`, true],
    [`kind: smtp, listen: [{ address: 203.0.113.5 }], target: { host: a.example }`, true],
    [`kind: smtp, listen: [{ address: 127.0.0.1 }], target: { host: a.example }`, false],
    [`kind: smtp, listen: [{ address: 192.168.1.5 }], target: { host: a.example }`, false],
    [`kind: smtp, listen: [{ address: localhost }], target: { host: a.example }`, false],
    [`kind: smtp, listen: [{ address: 0.0.0.0 }], target: { host: a.example }, allowFrom: [192.168.0.0/16]`, false],
    [`kind: smtp, listen: [{ address: 0.0.0.0 }], target: { host: a.example }, allowFrom: [0.0.0.0/0]`, true],
    [
      `kind: pop3, listen: [{ address: 0.0.0.0 }], target: { host: a.example, tls: implicit }, allowFrom: ["::/0"]`,
      false,
    ],
    [`kind: pop3, listen: [{ address: 0.0.0.0 }], target: { host: a.example, tls: implicit }`, true],
    [
      `kind: smtp, listen: [{ address: 0.0.0.0 }], target: { host: a.example }, allowFrom: [0.0.0.0/0], ` +
      `clients: [{ username: anna, passwordHash: "${HASH}" }]`,
      false,
    ],
    [
      `kind: smtp, listen: [{ address: 0.0.0.0, proxyProtocol: { from: [192.168.0.9] } }], target: { host: a.example }, ` +
      `allowFrom: [203.0.113.0/24]`,
      false,
    ],
    [
      `kind: smtp, listen: [{ address: 0.0.0.0, proxyProtocol: { from: [0.0.0.0/0] } }], target: { host: a.example }, ` +
      `allowFrom: [203.0.113.0/24]`,
      true,
    ],
  ];
  for (const [proxy, warned] of cases) {
    assertEquals([proxy, codes(proxyFindings(await withProxy(proxy)))], [
      proxy,
      warned ? ["open-relay proxies[0]"] : [],
    ]);
  }
});

Deno.test("proxyFindings() says in one sentence that an open relay is one", async () => {
  const target = `target: { host: a.example, tls: implicit, ${HELD} }`;
  const [open] = proxyFindings(
    await withProxy(`kind: smtp, name: Out, listen: [{ address: "::", port: 25 }], ${target}, allowFrom: ["::/0"]`),
  );
  assertEquals(
    open?.text,
    "Out is an open relay: anybody who reaches :: port 25 can send mail as office; narrow allowFrom.",
  );
  const [unsaid] = proxyFindings(
    await withProxy(`kind: smtp, name: Out, listen: [{ address: "::", port: 25 }], ${target}`),
  );
  assertStringIncludes(unsaid?.text ?? "", "spell them out in allowFrom. Whoever may connect can send mail as office.");
});

Deno.test("proxyFindings() warns of ports that don't fit their TLS mode, on either side", async () => {
  const smtp = (listen: string, target: string) =>
    withProxy(`kind: smtp, listen: [{ address: 127.0.0.1, ${listen} }], target: { host: a.example, ${target} }`);
  const cases: readonly (readonly [listen: string, target: string, codes: readonly string[]])[] = [
    ["port: 25", "port: 25", []],
    ["port: 465, tls: implicit", "port: 465, tls: implicit", []],
    ["port: 465, tls: none", "port: 2525, tls: implicit", ["port-tls proxies[0].listen[0]"]],
    ["port: 2525, tls: implicit", "port: 465", ["port-tls proxies[0].target"]],
    ["port: 25, tls: implicit", "port: 995, tls: starttls", [
      "port-tls proxies[0].listen[0]",
      "port-tls proxies[0].target",
    ]],
    ["port: 587, tls: implicit", "port: 110, tls: implicit", [
      "port-tls proxies[0].listen[0]",
      "port-tls proxies[0].target",
    ]],
  ];
  for (const [listen, target, expected] of cases) {
    assertEquals([listen, target, codes(proxyFindings(await smtp(listen, target)))], [listen, target, expected]);
  }
});

Deno.test("proxyFindings() warns of passwords in clear text", async () => {
  const near = "listen: [{ address: 127.0.0.1 }]";
  const cases: readonly (readonly [proxy: string, codes: readonly string[]])[] = [
    [`kind: smtp, ${near}, target: { host: a.example, ${HELD} }`, ["clear-text-login proxies[0].target"]],
    [`kind: smtp, ${near}, target: { host: a.example, tls: starttls, ${HELD} }`, []],
    [`kind: smtp, ${near}, target: { host: 192.168.1.1, ${HELD} }`, []],
    [`kind: smtp, ${near}, target: { host: a.example }`, []],
    [`kind: pop3, ${near}, target: { host: a.example }`, ["clear-text-login proxies[0].target"]],
    [`kind: pop3, listen: [{ address: 127.0.0.2, tls: none }], target: { host: localhost }`, []],
    [`kind: pop3, listen: [{ address: 192.168.1.1, tls: none }], target: { host: localhost }`, [
      "clear-text-login proxies[0].listen[0]",
    ]],
  ];
  for (const [proxy, expected] of cases) {
    assertEquals([proxy, codes(proxyFindings(await withProxy(proxy)))], [proxy, expected]);
  }
});

Deno.test("proxyFindings() warns of trust in any certificate, where there is TLS", async () => {
  const target = (tls: string) =>
    `kind: smtp, listen: [{ address: 127.0.0.1 }], target: { host: a.example, trust: insecure, tls: ${tls} }`;
  assertEquals(codes(proxyFindings(await withProxy(target("starttls")))), ["insecure-trust proxies[0].target.trust"]);
  assertEquals(codes(proxyFindings(await withProxy(target("none")))), []);
});

Deno.test("archiveFindings() warns of users without mail, and of profiles that delete what nobody has", async () => {
  const config = await loadFrom({
    "proxy.config.yaml": `
archive:
  path: archive
  users:
    - { name: anna, addresses: [anna@company.example, Info@company.example] }
    - { name: bert, addresses: [info@company.example, postmaster] }
    - { name: carl }
    - { name: dora, pop3Users: [d1] }
profiles:
  nightly: { deleteUnassigned: true }
  weekly: { deleteArchived: true }
`,
  });
  const findings = archiveFindings(config);
  assertEquals(codes(findings), [
    "address-without-domain archive.users[1].addresses",
    "user-without-address archive.users[2]",
    "deletes-unassigned profiles.nightly.deleteUnassigned",
  ]);
  assertEquals(findings.filter(({ severity }) => severity === "note").map(({ text }) => text), [
    "Mails of info@company.example go to anna and bert.",
  ]);
});

Deno.test("archiveFindings() warns of drop folders that nobody empties, and of folders within each other", async () => {
  const proxy = (drop: string, at: number) =>
    `{ kind: smtp, listen: [{ address: 127.0.0.${at} }], target: { host: a.example }, dropFolder: ${drop} }`;
  const config = await loadFrom({
    "proxy.config.yaml": `
proxies: [${proxy("/srv/a", 1)}, ${proxy("/srv/b", 2)}]
archive: { path: /srv/a/archive, users: [{ name: anna, addresses: [a@b.example] }] }
profiles: { nightly: { dropFolder: /srv/a } }
`,
  });
  assertEquals(archiveFindings(config).map(({ code, text }) => `${code} ${text}`), [
    "not-emptied No profile takes mails out of /srv/b, so that they pile up there.",
    "nested-folders The archive /srv/a/archive and the drop folder /srv/a lie one in the other; keep them apart.",
  ]);
});

Deno.test("archiveFindings() has nothing to say where there is no archive, and warns of one without users", async () => {
  assertEquals(archiveFindings(await withProxy(`kind: smtp, listen: [{ address: "::1" }], target: { host: a }`)), []);
  assertEquals(codes(archiveFindings(await loadFrom({ "proxy.config.yaml": "archive: { path: a }" }))), [
    "no-users archive.users",
  ]);
});

Deno.test("folderFindings() tries out folders, also before they are made, and leaves nothing behind", async () => {
  const yaml =
    `proxies: [{ kind: smtp, listen: [{ address: "::1" }], target: { host: a } }]\narchive: { path: new/archive }`;
  await withFolder({ "proxy.config.yaml": yaml }, async (folder) => {
    const config = await loadConfig(folder);
    assertEquals(codes(await folderFindings(config)).filter((code) => !/^(in-|low-space)/.test(code)), []);
    await Deno.mkdir(join(folder, "drop", ".incoming"), { recursive: true });
    await folderFindings(config);
    for (
      const [path, names] of [["", ["drop", "proxy.config.yaml"]], ["drop", [".incoming"]], [
        "drop/.incoming",
        [],
      ]] as const
    ) {
      const entries = await Array.fromAsync(Deno.readDir(join(folder, path)));
      assertEquals(entries.map(({ name }) => name).sort(), [...names]);
    }
  });
});

Deno.test("folderFindings() says what can't be done in a folder", async () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const broken: readonly (readonly [ops: Partial<FileOps>, code: string, words: string])[] = [
    [
      {
        create: () => {
          throw full;
        },
      },
      "folder-unusable",
      "cannot make a file in",
    ],
    [
      {
        rename: () => {
          throw full;
        },
      },
      "folder-unusable",
      "cannot rename a file within",
    ],
    [{ syncDirectory: () => Promise.reject(full) }, "folder-unusable", "cannot flush the folder"],
    [{ syncDirectory: () => Promise.resolve(false) }, "no-directory-flush", "can't flush a folder"],
    [
      {
        create: (path, mode) => Object.assign(denoFileOps.create(path, mode), { syncData: () => Promise.reject(full) }),
      },
      "folder-unusable",
      "to disk",
    ],
  ];
  await withFolder({
    "proxy.config.yaml": `proxies: [{ kind: smtp, listen: [{ address: "::1" }], target: { host: a } }]`,
  }, async (folder) => {
    await Deno.mkdir(join(folder, "drop"));
    const config = await loadConfig(folder);
    for (const [ops, code, words] of broken) {
      const findings = await folderFindings(config, { ...denoFileOps, ...ops });
      const found = findings.find((finding) => finding.code === code);
      assertEquals(found?.where, "dropFolder");
      assertStringIncludes(found?.text ?? "", words);
      assertEquals(await Array.fromAsync(Deno.readDir(join(folder, "drop"))), []);
    }
  });
});

Deno.test("folderFindings() warns of a drop folder that profiles take from and that isn't there", async () => {
  const config = await loadFrom({
    "proxy.config.yaml": `archive: { path: . }\nprofiles: { nightly: { dropFolder: /no/such/share } }`,
  });
  const findings = await folderFindings(config);
  assertEquals(findings.map(({ code, where }) => `${code} ${where}`)[0], "missing-drop-folder profiles.nightly");
});

Deno.test("listenerFindings() looks at certificates, addresses and ports", async () => {
  const listen = (more: string) => `proxies: [{ kind: smtp, target: { host: a.example }, listen: [{ ${more} }] }]`;
  const machine = { now: Date.now(), addresses: ["192.168.1.5", "fe80::1%eth0"], firstFreePort: 1024 };
  const found = async (more: string, files: Readonly<Record<string, string>> = {}, now = machine.now) => {
    let findings: Finding[] = [];
    await withFolder({ "proxy.config.yaml": listen(more), ...files }, async (folder) => {
      await ensureSelfSigned({ certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") });
      findings = await listenerFindings(await loadConfig(folder), { ...machine, now });
    });
    return findings.map(({ severity, code }) => `${severity} ${code}`);
  };
  const own = "certificate: { certFile: cert.pem, keyFile: key.pem }";
  assertEquals(await found(`address: 127.0.0.1, port: 2525, ${own}`), []);
  assertEquals(await found(`address: 127.0.0.1, port: 2525, ${own}`, {}, Date.now() + 11 * 365 * 86_400_000), [
    "warning certificate-time",
  ]);
  assertEquals(await found(`address: "fe80:0::1", port: 2525, tls: none`), []);
  assertEquals(await found(`address: 192.168.1.6, port: 2525, tls: none`), ["warning foreign-address"]);
  assertEquals(await found(`address: 192.168.1.5, port: 25, tls: none`), ["note low-port"]);
  assertEquals(await found(`address: "::", port: 2525`), ["note self-signed-listener"]);
  assertEquals(await found(`address: "::", port: 2525, certificate: { certFile: no.pem, keyFile: key.pem }`), [
    "error certificate-unusable",
  ]);
  assertEquals(await found(`address: "::", port: 2525, certificate: { certFile: key.pem, keyFile: cert.pem }`), [
    "error certificate-unusable",
  ]);
});

Deno.test({
  name: "secretFindings() warns of secrets that other users can read",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const target = (password: string) =>
      `proxies: [{ kind: smtp, listen: [{ address: "::1" }], target: { host: a.example, credentials: { username: u, password: ${password} } } }]`;
    const files = { "proxy.config.yaml": target("{ file: secret }"), secret: "x", ".env": "A=b" };
    await withFolder(files, async (folder) => {
      const config = await loadConfig(folder);
      const modes = async (secret: number, env: number) => {
        await Deno.chmod(join(folder, "secret"), secret);
        await Deno.chmod(join(folder, ".env"), env);
        return codes(await secretFindings(config));
      };
      assertEquals(await modes(0o600, 0o640), []);
      assertEquals(await modes(0o644, 0o604), [
        "readable-secret .env",
        "readable-secret proxies[0].target.credentials.password",
      ]);
    });
    await withFolder({ "proxy.config.yaml": target("hunter2") }, async (folder) => {
      const config = await loadConfig(folder);
      await Deno.chmod(config.file, 0o644);
      assertEquals(codes(await secretFindings(config)), ["readable-secret proxies[0].target.credentials.password"]);
      await Deno.chmod(config.file, 0o600);
      assertEquals(codes(await secretFindings(config)), []);
    });
  },
});

Deno.test("upcomingRuns() gives the next three times in the profile's time zone", () => {
  const profile = { name: "nightly", dropFolder: "", deleteArchived: false, deleteUnassigned: false };
  const now = Date.parse("2026-03-27T12:00:00Z");
  const inBerlin = upcomingRuns({ ...profile, schedule: "0 4 * * *", timeZone: "Europe/Berlin" }, now);
  // Summer time begins on the 29th.
  assertEquals(inBerlin.next.map((ms) => new Date(ms).toISOString()), [
    "2026-03-28T03:00:00.000Z",
    "2026-03-29T02:00:00.000Z",
    "2026-03-30T02:00:00.000Z",
  ]);
  assertEquals(upcomingRuns({ ...profile, schedule: null, timeZone: null }, now).next, []);
});
