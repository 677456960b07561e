import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { systemClock } from "../../../src/base/clock.ts";
import { command as check } from "../../../src/cli/check.ts";
import { peerCertificate } from "../../../src/cli/check/peer_certificate.ts";
import { targetFindings } from "../../../src/cli/check/target_findings.ts";
import { probeTarget, type TargetReport } from "../../../src/cli/check/target_probe.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { describeCertificate } from "../../../src/net/certificate_description.ts";
import { ensureSelfSigned } from "../../../src/net/certificates.ts";
import type { ServerTlsOptions } from "../../../src/net/types.ts";
import { withFolder } from "../config/folder.ts";
import { runCommand } from "./run_command.ts";
import { type Script, type ScriptedTarget, startScriptedTarget } from "./scripted_target.ts";

const SMTP: Pick<Script, "greeting" | "answers"> = {
  greeting: "220 mail.example ESMTP\r\n",
  answers: {
    EHLO: "250-mail.example\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
    STARTTLS: { upgradeAfter: "220 go ahead\r\n" },
    "AUTH PLAIN AG9mZmljZQBodW50ZXIy": "235 welcome\r\n",
    AUTH: "535 5.7.8 wrong\r\n",
    QUIT: "221 bye\r\n",
  },
};
const POP3: Pick<Script, "greeting" | "answers"> = {
  greeting: "+OK ready <1.2@mail.example>\r\n",
  answers: {
    CAPA: "+OK\r\nTOP\r\nSTLS\r\nUIDL\r\n.\r\n",
    STLS: { upgradeAfter: "+OK begin\r\n" },
    QUIT: "+OK bye\r\n",
  },
};

interface Room {
  readonly folder: string;
  readonly port: number;
  readonly server: ScriptedTarget;
  readonly sha256: string;
  /** Writes the config and probes its one proxy's target. */
  probe(target: string, kind?: string): Promise<TargetReport>;
}

/** A scripted target with a certificate of its own for localhost, and a folder for configs. */
async function withTarget(
  script: Partial<Script>,
  test: (room: Room) => Promise<void>,
): Promise<void> {
  await withFolder({}, async (folder) => {
    const certificate: ServerTlsOptions = await ensureSelfSigned({
      certFile: join(folder, "cert.pem"),
      keyFile: join(folder, "key.pem"),
    });
    const server = startScriptedTarget({ tls: "none", certificate, ...SMTP, ...script });
    const { sha256 } = describeCertificate(certificate.cert);
    const probe = async (target: string, kind = "smtp") => {
      const yaml =
        `proxies: [{ kind: ${kind}, name: P, listen: [{ address: 127.0.0.1, port: 0 }], target: { host: localhost, ${target} } }]`;
      await Deno.writeTextFile(join(folder, "proxy.config.yaml"), yaml);
      const [proxy] = (await loadConfig(folder)).proxies;
      assert(proxy !== undefined);
      return await probeTarget(proxy, "proxies[0].target", {
        clock: systemClock,
        signal: new AbortController().signal,
      });
    };
    try {
      await test({ folder, port: server.port, server, sha256, probe });
    } finally {
      await server.close();
    }
  });
}

Deno.test("probeTarget() tells what an SMTP target offers in clear text", async () => {
  await withTarget({}, async ({ port, probe }) => {
    const { problem, address, tls, certificate, greeting, capabilities, login } = await probe(`port: ${port}`);
    assertEquals([problem, address, tls, certificate, login], [null, "127.0.0.1", null, null, null]);
    assertEquals(greeting, "220 mail.example ESMTP");
    assertEquals(capabilities, ["SIZE 1000", "STARTTLS", "AUTH PLAIN"]);
  });
});

Deno.test("probeTarget() takes STARTTLS, logs in under TLS and takes its leave, as the proxy does", async () => {
  await withTarget({}, async ({ port, server, sha256, probe }) => {
    const target =
      `port: ${port}, tls: starttls, trust: { fingerprint: "sha256:${sha256}" }, credentials: { username: office, password: hunter2 }`;
    const { problem, tls, certificate, login } = await probe(target);
    assertEquals([problem, tls?.version, certificate?.sha256, login], [null, "TLSv1.3", sha256, "accepted"]);
    // First the look at the certificate, then the session.
    assertEquals(server.heard.map((line) => line.split(" ")[0]), [
      "EHLO",
      "STARTTLS",
      "EHLO",
      "STARTTLS",
      "EHLO",
      "EHLO",
      "AUTH",
      "QUIT",
    ]);
  });
});

Deno.test("probeTarget() tells that a login is refused", async () => {
  await withTarget({}, async ({ port, probe }) => {
    const { problem, login, capabilities } = await probe(
      `port: ${port}, credentials: { username: office, password: no }`,
    );
    assertEquals(login, "refused");
    assertStringIncludes(problem ?? "", "535 5.7.8 wrong");
    assertEquals(capabilities.length, 3);
  });
});

Deno.test("probeTarget() meets POP3 targets in clear text, with STLS and under implicit TLS", async () => {
  for (const tls of ["none", "starttls", "implicit"] as const) {
    await withTarget({ ...POP3, tls }, async ({ port, sha256, probe }) => {
      const report = await probe(`port: ${port}, tls: ${tls}, trust: { caFile: cert.pem }`, "pop3");
      assertEquals([tls, report.problem, report.capabilities], [tls, null, ["TOP", "STLS", "UIDL"]]);
      assertEquals(
        [tls, report.tls?.version, report.certificate?.sha256],
        tls === "none" ? [tls, undefined, undefined] : [tls, "TLSv1.3", sha256],
      );
    });
  }
});

Deno.test("probeTarget() shows the certificate that isn't trusted", async () => {
  for (const tls of ["starttls", "implicit"] as const) {
    await withTarget({ tls }, async ({ port, sha256, probe }) => {
      const report = await probe(`port: ${port}, tls: ${tls}`);
      assertMatch(report.problem ?? "", /not trusted/);
      assertEquals([report.certificate?.sha256, report.certificate?.selfSigned], [sha256, true]);
      const [finding] = targetFindings(report, Date.now());
      assertStringIncludes(finding?.text ?? "", `fingerprint: "sha256:${sha256}"`);
    });
  }
});

Deno.test("probeTarget() says in words what kind of server it met instead", async () => {
  const cases: readonly (readonly [script: Partial<Script>, problem: RegExp])[] = [
    [{ greeting: "554 5.7.1 go away\r\n" }, /it refuses service: 554 5.7.1 go away/],
    [{ greeting: "+OK ready\r\n" }, /it doesn't speak SMTP/],
    [{ answers: {} }, /closed the connection/],
    [{ answers: { EHLO: "502 5.5.1 no\r\n" } }, /it refuses EHLO: 502 5.5.1 no/],
  ];
  for (const [script, problem] of cases) {
    await withTarget(
      script,
      async ({ port, probe }) => assertMatch((await probe(`port: ${port}`)).problem ?? "", problem),
    );
  }
  await withTarget({ answers: { EHLO: "250 mail.example\r\n" } }, async ({ port, probe }) => {
    assertMatch((await probe(`port: ${port}, tls: starttls`)).problem ?? "", /doesn't offer STARTTLS/);
  });
  await withTarget({}, async ({ port, probe, server }) => {
    const { problem, certificate } = await probe(`port: ${port}, tls: implicit`);
    assertMatch(problem ?? "", /doesn't speak TLS/);
    assertEquals(certificate, null);
    await server.close();
    assertMatch((await probe(`port: ${port}, tls: implicit`)).problem ?? "", /refused|connect/);
  });
  await withTarget({ ...POP3, greeting: "-ERR busy\r\n" }, async ({ port, probe }) => {
    assertMatch((await probe(`port: ${port}`, "pop3")).problem ?? "", /it refuses service: -ERR busy/);
  });
});

Deno.test("peerCertificate() gives up where no certificate comes", async () => {
  await withTarget(
    { answers: { EHLO: "250 mail.example\r\n", STARTTLS: "454 not now\r\n" } },
    async ({ folder, port, probe }) => {
      await probe(`port: ${port}, tls: starttls`);
      const [proxy] = (await loadConfig(folder)).proxies;
      assert(proxy !== undefined);
      const problem = await peerCertificate(proxy, new AbortController().signal).catch((error: Error) => error.message);
      assertEquals(problem, `localhost port ${port} doesn't show a certificate: 454 not now`);
      const stopped = await peerCertificate(proxy, AbortSignal.abort()).catch((error: Error) => error.name);
      assertEquals(stopped, "MailteeError");
    },
  );
});

Deno.test("targetFindings() warns of clear text that needn't be, of logins in it, and of ends of certificates", () => {
  const certificate = {
    subject: "CN=mail.example",
    issuer: "CN=CA",
    selfSigned: false,
    names: ["mail.example"],
    validFrom: new Date("2026-01-01"),
    validTo: new Date("2026-12-01"),
    sha256: "00",
  };
  const target = {
    host: "mail.example",
    port: 25,
    tls: "none",
    trust: { kind: "system" },
    connectTimeoutSeconds: 30,
    credentials: null,
    announceClient: null,
  } as const;
  const listen = [{ address: "0.0.0.0", port: 25, tls: "none", certificate: null, proxyProtocolFrom: null }] as const;
  const report = (change: Partial<TargetReport>): TargetReport => ({
    proxy: {
      kind: "smtp",
      name: "P",
      dropFolder: "",
      listen,
      target,
      allowFrom: [],
      allowFromGiven: true,
      onCaptureFailure: "refuse",
      requireTlsForAuth: false,
      clients: null,
      clearTextLoginsFromHere: false,
      bareNewline: "normalize",
      limits: { connections: 1, connectionsPerAddress: 1, lineBytes: 512, errors: 1, recipients: 1, mailSize: null },
      timeouts: { client: 1, target: 1, data: 1, dataStart: 1, dataEnd: 1, refusedData: 1 },
    },
    where: "proxies[0].target",
    address: "203.0.113.7",
    tls: null,
    certificate: null,
    greeting: "220",
    capabilities: [],
    login: null,
    problem: null,
    hint: undefined,
    elapsedMs: 1,
    ...change,
  });
  const codes = (change: Partial<TargetReport>, now = "2026-06-01") =>
    targetFindings(report(change), Date.parse(now)).map(({ code }) => code);
  assertEquals(codes({}), []);
  assertEquals(codes({ capabilities: ["STARTTLS"] }), ["unused-tls"]);
  assertEquals(codes({ capabilities: ["STARTTLS"], address: "192.168.1.1" }), []);
  assertEquals(codes({ capabilities: ["AUTH PLAIN LOGIN"] }), ["clear-text-login"]);
  assertEquals(codes({ capabilities: ["AUTH=LOGIN"] }), ["clear-text-login"]);
  assertEquals(codes({ capabilities: ["AUTHX"] }), []);
  assertEquals(codes({ certificate }), []);
  assertEquals(codes({ certificate }, "2026-11-25"), ["certificate-time"]);
  assertEquals(codes({ certificate }, "2027-01-01"), ["certificate-time"]);
});

Deno.test("probeTarget() speaks for no client where the target is to hear of clients", async () => {
  const answers = { ...SMTP.answers, "PROXY UNKNOWN": "" };
  await withTarget({ answers }, async ({ port, server, probe }) => {
    const { problem } = await probe(`port: ${port}, announceClient: proxy`);
    assertEquals([problem, server.heard[0]], [null, "PROXY UNKNOWN"]);
  });
  await withTarget({}, async ({ port, probe }) => {
    const { problem } = await probe(`port: ${port}, announceClient: xclient`);
    assertStringIncludes(problem ?? "", "the target doesn't offer XCLIENT with ADDR to this machine");
  });
});

Deno.test("check connects to targets, prints what it found without secrets, and ends with the contract's codes", async () => {
  await withTarget({}, async ({ folder, port }) => {
    const write = (more: string, password = "hunter2") =>
      Deno.writeTextFile(
        join(folder, "proxy.config.yaml"),
        `proxies: [{ kind: smtp, name: Out, listen: [{ address: 127.0.0.1, port: 2525, tls: none }],
          target: { host: 127.0.0.1, port: ${port}, credentials: { username: office, password: ${password} } }, ${more} }]`,
      );
    await write("");
    await Deno.chmod(join(folder, "proxy.config.yaml"), 0o600);
    const good = await runCommand(check, folder);
    assertEquals(good.exitCode, 0);
    assertStringIncludes(good.output, "password: (set)");
    assertStringIncludes(good.output, "login as office: accepted");
    assertStringIncludes(good.output, "offers SIZE 1000, STARTTLS, AUTH PLAIN");
    assertNotMatch(good.output, /hunter2/);

    const json = await runCommand(check, folder, "--json");
    const [document] = json.documents;
    const { effective, targets: [target], findings } = Object(document);
    assertEquals(effective.proxies[0].target.credentials, { username: "office", password: "(set)" });
    assertEquals([target.proxy, target.reached, target.login], ["Out", true, "accepted"]);
    assert(Array.isArray(findings));

    await write("", "wrong");
    assertEquals((await runCommand(check, folder)).exitCode, 75);
    assertEquals((await runCommand(check, folder, "--offline")).exitCode, 0);
    await write("onCaptureFailure: pass");
    assertEquals((await runCommand(check, folder, "--offline", "--strict")).exitCode, 0);
    await Deno.chmod(join(folder, "proxy.config.yaml"), 0o644);
    assertEquals((await runCommand(check, folder, "--offline", "--strict")).exitCode, 1);
  });
});

Deno.test("check prints a config in force that loads again as it is", async () => {
  const yaml = `
proxies:
  - { kind: smtp, listen: [{ address: 127.0.0.1, port: 0 }], target: { host: a.example, tls: starttls, trust: insecure } }
  - { kind: pop3, listen: [{ address: "::1", port: 0, tls: none }], target: { host: b.example }, recapture: never }
archive: { path: archive, users: [{ name: anna, addresses: [a@b.example] }] }
profiles: { nightly: { schedule: "0 2 * * *", timeZone: Europe/Berlin }, byHand: {} }
permissions: { files: "0640" }
`;
  await withFolder({ "proxy.config.yaml": yaml }, async (folder) => {
    const { documents: [document] } = await runCommand(check, folder, "--offline", "--json");
    const before = await loadConfig(folder);
    await Deno.writeTextFile(join(folder, "proxy.config.yaml"), JSON.stringify(Object(document).effective));
    const after = await loadConfig(folder);
    const given = after.proxies.map((proxy) => ({ ...proxy, allowFromGiven: false }));
    assertEquals({ ...after, proxies: given }, before);
  });
});
