import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import { sampleMails } from "../../src/demo/samples/samples.ts";
import { readCaptures } from "../peers/captures.ts";
import { makeCertificate } from "../peers/certificate.ts";
import { passwordOf, startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { POP3_CLIENTS } from "../peers/pop3_clients.ts";
import { startPostfix } from "../peers/postfix.ts";
import { freePorts, isListening, type RunningProgram, until } from "../peers/program.ts";
import { assertSameMails, hashOf } from "../peers/same_mails.ts";
import { SMTP_CLIENTS } from "../peers/smtp_clients.ts";
import { shellIn } from "./mailtee.ts";

const USER = "anna";

Deno.test({
  ...needPeerAsRoot("postfix", "dovecot", "openssl"),
  ...needPeer("swaks", "fetchmail"),
  name: "swaks to Postfix and fetchmail from Dovecot through the program, all under TLS; no password in its log",
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "mailtee-e2e-" });
    const running: { stop(): Promise<unknown> }[] = [];
    try {
      await Deno.chmod(folder, 0o755);
      for (const name of ["postfix", "dovecot", "fetchmail"]) await Deno.mkdir(join(folder, name));
      const certificate = await makeCertificate(folder);
      const dovecot = await startDovecot({ folder: join(folder, "dovecot"), certificate, users: [USER] });
      running.push(dovecot);
      const { authPort, pop3sPort } = dovecot;
      const postfix = await startPostfix({ folder: join(folder, "postfix"), certificate, users: [USER], authPort });
      running.push(postfix);
      const [smtpPort = 0, pop3Port = 0] = freePorts(2);
      await Deno.writeTextFile(
        join(folder, "proxy.config.ts"),
        configText({ smtpPort, pop3Port, smtpTarget: postfix.smtpPort, pop3Target: pop3sPort }),
      );
      const shell = shellIn(folder, { SMTP_PASSWORD: passwordOf(USER) });
      const checked = await shell.text(0, "check");
      assertStringIncludes(checked, "TLSv1.3");
      const program = shell.start("run", "--log-level", "debug");
      running.push(program);
      await program.waitFor(async () => await isListening(smtpPort) && await isListening(pop3Port));

      const job = { caFile: certificate.certFile, tls: "starttls" as const };
      const [swaks] = SMTP_CLIENTS.filter(({ binary }) => binary === "swaks");
      const content = sampleMails()[2]?.content ?? new Uint8Array(0);
      const recipients = ["anna@company.example"];
      await swaks?.send({ ...job, port: smtpPort, folder, mailFrom: "ben@company.example", recipients, content });
      await until(async () => await postfix.deliveredCount(USER) === 1, postfix.log);

      const lying = sampleMails().map((sample) => sample.content).filter(({ length }) => length < 1_000_000);
      await dovecot.put(USER, lying);
      const [fetchmail] = POP3_CLIENTS.filter(({ binary }) => binary === "fetchmail");
      const login = { username: USER, password: passwordOf(USER) };
      const fetched = await fetchmail?.fetch({ ...job, ...login, port: pop3Port, folder: join(folder, "fetchmail") });
      await assertSameMails(fetched ?? [], lying, "fetchmail");

      assertEquals(await program.stop(), 0, program.output());
      const captures = readCaptures(join(folder, "drop"));
      await assertSameMails(
        captures.map(({ mail }) => mail),
        [...await postfix.delivered(USER), ...lying],
        "captures",
      );
      assertEquals(captures.filter(({ report }) => report.client.tls === null || report.target.tls === null), []);
      assertNoSecret(program);

      await shell.json(0, "archive");
      for (const { mail } of captures) {
        const { stdout } = await shell.mailtee("show", await hashOf(mail), "--raw");
        assertEquals(decodeLatin1(stdout), decodeLatin1(mail));
      }
    } finally {
      for (const each of running.reverse()) await each.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Neither the passwords, nor what they look like in AUTH, nor a line of a mail. */
function assertNoSecret(program: RunningProgram): void {
  const secret = passwordOf(USER);
  const spellings = [secret, btoa(secret), btoa(`\0${USER}\0${secret}`), "here are the invoice"];
  assertEquals(spellings.filter((spelling) => program.output().includes(spelling)), []);
  assertStringIncludes(program.output(), `user=${USER}`);
}

function configText(
  ports: {
    readonly smtpPort: number;
    readonly pop3Port: number;
    readonly smtpTarget: number;
    readonly pop3Target: number;
  },
): string {
  const certificate = { certFile: "./cert.pem", keyFile: "./key.pem" };
  const listen = (port: number) => [{ address: "127.0.0.1", port, tls: "starttls", certificate }];
  const trust = { caFile: "./cert.pem" };
  const credentials = { username: USER, password: { env: "SMTP_PASSWORD" } };
  const config = {
    dropFolder: "./drop",
    proxies: [
      {
        kind: "smtp",
        listen: listen(ports.smtpPort),
        target: { host: "localhost", port: ports.smtpTarget, tls: "starttls", trust, credentials },
      },
      {
        kind: "pop3",
        listen: listen(ports.pop3Port),
        target: { host: "localhost", port: ports.pop3Target, tls: "implicit", trust },
      },
    ],
    archive: { path: "./archive", users: [{ name: USER, addresses: ["anna@company.example"], pop3Users: [USER] }] },
    profiles: { nightly: {} },
  };
  return `export default ${JSON.stringify(config, null, 2)};\n`;
}
