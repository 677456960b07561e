import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { complaintAbout, loadFrom, withFolder } from "./folder.ts";

const MINIMAL_PROXY = `{ kind: "smtp", listen: [{ address: "127.0.0.1" }], target: { host: "mail.example" } }`;
const MINIMAL = `export default { proxies: [${MINIMAL_PROXY}] };`;

Deno.test("loadConfig() reads a TypeScript module with types, enums and imports", async () => {
  const config = await loadFrom({
    "proxy.config.ts": `
      import type { Config } from "./mailtee.d.ts";
      import { office } from "./users.ts";
      enum Port { Submission = 587 }
      export default {
        proxies: [{ kind: "smtp", listen: [{ address: "::1", port: Port.Submission }], target: { host: "mail.example" } }],
        archive: { path: "archive", users: office("anna") },
      } satisfies Config;`,
    "users.ts": `export const office = (name: string) => [{ name, addresses: [name + "@company.example"] }];`,
  });
  assertEquals(config.proxies[0]?.listen[0]?.port, 587);
  assertEquals(config.archive?.users, [{ name: "anna", addresses: ["anna@company.example"], pop3Users: [] }]);
});

Deno.test("loadConfig() fills in the defaults and makes paths absolute from the config's folder", async () => {
  await withFolder({ "proxy.config.ts": MINIMAL }, async (folder) => {
    const config = await loadConfig(join(folder, "proxy.config.ts"));
    assertEquals(config.file, join(folder, "proxy.config.ts"));
    assertEquals(config.dropFolder, join(folder, "drop"));
    assertEquals(config.archive, null);
    assertEquals(config.profiles, {});
    assertEquals(config.log, { level: "info", format: "text" });
    assertEquals(config.drainSeconds, 30);
    assertEquals(config.permissions, { fileMode: 0o600, folderMode: 0o700 });
    assertEquals(config.selfSigned.keyFile, join(folder, "mailtee-key.pem"));
    assertEquals(config.proxies, [{
      kind: "smtp",
      name: "SMTP proxy 1",
      dropFolder: join(folder, "drop"),
      listen: [{ address: "127.0.0.1", port: 25, tls: "starttls", certificate: null, proxyProtocolFrom: null }],
      target: {
        host: "mail.example",
        port: 25,
        tls: "none",
        trust: { kind: "system" },
        connectTimeoutSeconds: 30,
        credentials: null,
        announceClient: null,
      },
      allowFrom: ["private"],
      allowFromGiven: false,
      onCaptureFailure: "refuse",
      requireTlsForAuth: false,
      clients: null,
      clearTextLoginsFromHere: false,
      bareNewline: "normalize",
      limits: {
        connections: 1000,
        connectionsPerAddress: 100,
        lineBytes: 4096,
        errors: 20,
        recipients: 1000,
        mailSize: null,
      },
      timeouts: { client: 300, target: 300, data: 180, dataStart: 120, dataEnd: 600, refusedData: 300 },
    }]);
  });
});

Deno.test("loadConfig() takes ports from the kind and TLS where none are given", async () => {
  const proxy = (kind: string, tls: string) => ({
    kind,
    listen: [{ address: "::", tls }],
    target: { host: "a.example", tls },
  });
  const modes = ["none", "starttls", "implicit"];
  const kinds = ["smtp", "lmtp", "pop3"];
  const expected = { smtp: [25, 25, 465], lmtp: [24, 24, 465], pop3: [110, 110, 995] };
  for (const [index, tls] of modes.entries()) {
    const document = JSON.stringify({
      proxies: kinds.map((kind) => proxy(kind, tls)).map((each, at) => ({
        ...each,
        listen: [{ ...each.listen[0], address: `127.0.0.${at + 1}` }],
      })),
    });
    const { proxies } = await loadFrom({ "proxy.config.yaml": document });
    for (const { kind, listen, target } of proxies) {
      assertEquals([kind, listen[0]?.port, target.port], [kind, expected[kind][index], expected[kind][index]]);
    }
  }
});

Deno.test("loadConfig() numbers proxies without a name by kind, around names that are taken", async () => {
  const named = (name: string) => MINIMAL_PROXY.replace("kind", `name: ${JSON.stringify(name)}, kind`);
  const at = (proxy: string, port: number) => proxy.replace(`"127.0.0.1"`, `"127.0.0.1", port: ${port}`);
  const { proxies } = await loadFrom({
    "proxy.config.ts": `export default { proxies: [
      ${at(MINIMAL_PROXY, 1)}, ${at(named("SMTP proxy 2"), 2)}, ${at(MINIMAL_PROXY, 3)}, ${
      at(MINIMAL_PROXY, 4)
    }.valueOf(),
    ] };`,
  });
  assertEquals(proxies.map(({ name }) => name), ["SMTP proxy 1", "SMTP proxy 2", "SMTP proxy 3", "SMTP proxy 4"]);
});

Deno.test("loadConfig() gives the same for TypeScript and for YAML", async () => {
  const { file: _, ...typescript } = await loadFrom({
    "proxy.config.ts": `export default {
      proxies: [{ kind: "pop3", listen: [{ address: "127.0.0.1", port: 0 }], target: { host: "a.example" }, recapture: "never" }],
      profiles: { nightly: { schedule: "0 2 * * *", timeZone: "Europe/Berlin", dropFolder: "/srv/drop" } },
      archive: { path: "/srv/archive" }, dropFolder: "/srv/drop", certificateFolder: "/srv",
    };`,
  });
  const { file: __, ...yaml } = await loadFrom({
    "proxy.config.yaml": `
dropFolder: /srv/drop
certificateFolder: /srv
proxies:
  - kind: pop3
    listen: [{ address: 127.0.0.1, port: 0 }]
    target: { host: a.example }
    recapture: never
profiles:
  nightly: { schedule: "0 2 * * *", timeZone: Europe/Berlin, dropFolder: /srv/drop }
archive: { path: /srv/archive }
`,
  });
  assertEquals({ ...yaml, directory: "" }, { ...typescript, directory: "" });
});

Deno.test("loadConfig() reads everything anew at each call, imported modules too", async () => {
  const files = {
    "proxy.config.ts": `import { host } from "./host.ts";
      export default { proxies: [{ kind: "smtp", listen: [{ address: "::1" }], target: { host } }] };`,
    "host.ts": `export const host = "old.example";`,
  };
  await withFolder(files, async (folder) => {
    assertEquals((await loadConfig(folder)).proxies[0]?.target.host, "old.example");
    await Deno.writeTextFile(join(folder, "host.ts"), `export const host = "new.example";`);
    assertEquals((await loadConfig(folder)).proxies[0]?.target.host, "new.example");
  });
});

Deno.test("loadConfig() reads users from a file of their own", async () => {
  const { archive } = await loadFrom({
    "proxy.config.yaml": `archive: { path: a, users: { file: users.yaml } }`,
    "users.yaml": `- { name: anna, addresses: [anna@company.example], pop3Users: [m1] }\n- name: bert\n`,
  });
  assertEquals(archive?.users, [
    { name: "anna", addresses: ["anna@company.example"], pop3Users: ["m1"] },
    { name: "bert", addresses: [], pop3Users: [] },
  ]);
});

Deno.test("loadConfig() names the users file and the place in it", async () => {
  const config = { "proxy.config.yaml": `archive: { path: a, users: { file: users.yaml } }` };
  assertEquals(
    await complaintAbout({ ...config, "users.yaml": `- { name: anna, adresses: [] }\n` }),
    `DIR/proxy.config.yaml: archive.users.file: DIR/users.yaml: [0].adresses: unknown key. Did you mean addresses?`,
  );
  assertEquals(
    await complaintAbout({ ...config, "users.yaml": `- name: anna\n- name: anna\n` }),
    `DIR/proxy.config.yaml: archive.users.file: DIR/users.yaml: [1].name: "anna" is the name of [0] already.`,
  );
  assertStringIncludes(await complaintAbout(config), "archive.users.file: DIR/users.yaml can't be read: ");
});

Deno.test("loadConfig() converts sizes and permissions", async () => {
  const sizes = [["50MB", 50_000_000], ["1.5 GB", 1_500_000_000], ["64KiB", 65_536], [1234, 1234], ["10m", 10_000_000]];
  for (const [given, bytes] of sizes) {
    const document = JSON.stringify({
      permissions: { files: "0640", folders: "0750" },
      proxies: [{
        kind: "smtp",
        listen: [{ address: "::1" }],
        target: { host: "a.example" },
        limits: { mailSize: given },
      }],
    });
    const { proxies: [proxy], permissions } = await loadFrom({ "proxy.config.yaml": document });
    assert(proxy?.kind === "smtp");
    assertEquals(proxy.limits.mailSize, bytes);
    assertEquals(permissions, { fileMode: 0o640, folderMode: 0o750 });
  }
});

Deno.test("loadConfig() reads a CA file and tidies a fingerprint", async () => {
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const fingerprint = "AB:".repeat(31) + "AB";
  const target = (trust: string) => `{ host: a.example, tls: implicit, trust: ${trust} }`;
  const { proxies } = await loadFrom({
    "proxy.config.yaml": `
proxies:
  - { kind: smtp, listen: [{ address: 127.0.0.1 }], target: ${target("{ caFile: ca.pem }")} }
  - { kind: smtp, listen: [{ address: 127.0.0.2 }], target: ${target(`{ fingerprint: "sha256:${fingerprint}" }`)} }
  - { kind: smtp, listen: [{ address: 127.0.0.3 }], target: ${target("insecure")} }
`,
    "ca.pem": pem,
  });
  const [trusted] = proxies;
  assert(trusted?.target.trust.kind === "ca");
  assertEquals(basename(trusted.target.trust.file), "ca.pem");
  assertEquals(trusted.target.trust.pem, pem);
  assertEquals(proxies.slice(1).map(({ target }) => target.trust), [
    { kind: "fingerprint", sha256: "ab".repeat(32) },
    { kind: "insecure" },
  ]);
});

Deno.test("loadConfig() says where it looked when there is no config", async () => {
  assertEquals(await complaintAbout({}), "There is no proxy.config.ts and no proxy.config.yaml in DIR.");
  assertEquals(await complaintAbout({ "proxy.config.ts": "" }), "DIR/proxy.config.ts has no default export.");
});

Deno.test("loadConfig() wants TLS for logins at the proxy itself, unless the config says otherwise", async () => {
  const hash = "$scrypt$ln=15,r=8,p=1$H2G8QVMaoMyJACRIqH5KEg$jrO+Pd/RO+Gw6HHDL2G2t0o0jfJaKEChktoRPiZxRek";
  const clients = `clients: [{ username: anna, passwordHash: "${hash}" }]`;
  const load = async (more: string) => {
    const proxy = `{ kind: smtp, listen: [{ address: "::1" }], target: { host: a.example }, ${more} }`;
    const [config] = (await loadFrom({ "proxy.config.yaml": `proxies: [${proxy}]` })).proxies;
    assert(config?.kind === "smtp");
    return [config.requireTlsForAuth, config.clearTextLoginsFromHere];
  };
  assertEquals(await load("name: x"), [false, false]);
  assertEquals(await load(clients), [true, true]);
  assertEquals(await load(`${clients}, requireTlsForAuth: true`), [true, false]);
  assertEquals(await load(`${clients}, requireTlsForAuth: false`), [false, false]);
  const twice = `${clients.slice(0, -1)}, { username: anna, passwordHash: "${hash}" }]`;
  for (const bad of ["clients: []", "clients: [{ username: anna, passwordHash: hunter2 }]", twice]) {
    const error = await assertRejects(() => load(bad), MailteeError);
    assertEquals(error.message.includes("hunter2"), false);
  }
});
