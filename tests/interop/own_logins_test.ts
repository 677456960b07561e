import { assertEquals } from "@std/assert";
import { hashPassword } from "../../src/sasl/password_hash.ts";
import { startDovecot } from "../peers/dovecot.ts";
import { needPeer, needPeerAsRoot } from "../peers/peer.ts";
import { startPostfix } from "../peers/postfix.ts";
import { until } from "../peers/program.ts";
import { SMTP_CLIENTS } from "../peers/smtp_clients.ts";
import { startSmtpSink } from "../peers/smtp_sink.ts";
import { withStage } from "./stage.ts";

const MAIL = new TextEncoder().encode("From: a@b.example\r\nTo: c@company.example\r\nSubject: hello\r\n\r\nHi.\r\n");
const login = { username: "anna", password: "open-sesame" };

Deno.test({
  ...needPeer("smtp-sink", "openssl"),
  name: "SMTP clients log in at the proxy itself, and don't get in by a wrong password",
  fn: (t) =>
    withStage(async (stage, onEnd) => {
      const sink = onEnd(await startSmtpSink(await stage.subfolder("sink")));
      const ports = await stage.smtpProxy({
        name: "own logins",
        targetPort: sink.port,
        targetTls: "none",
        clients: [{ username: login.username, passwordHash: await hashPassword(login.password) }],
      });
      for (const client of SMTP_CLIENTS) {
        await t.step({
          ...needPeer(client.binary),
          name: client.name,
          fn: async () => {
            const before = stage.captures().length;
            const job = {
              port: ports.starttls,
              tls: "starttls",
              caFile: stage.certificate.certFile,
              folder: await stage.subfolder(client.name.replaceAll(/\W/g, "-")),
              mailFrom: "a@b.example",
              recipients: ["c@company.example"],
              content: MAIL,
            } as const;
            await client.send({ ...job, login });
            assertEquals(stage.captures().length, before + 1);
            // Each failure makes the next answer later, so one client has to do.
            if (client.name !== "curl") return;
            const wrong = { ...login, password: "wrong" };
            const refused = await client.send({ ...job, login: wrong }).then(() => false, () => true);
            assertEquals([refused, stage.captures().length], [true, before + 1]);
          },
        });
      }
      const names = stage.captures().map(({ report }) => report.client.authenticatedAs);
      assertEquals(names, names.map(() => "anna"));
    }),
});

Deno.test({
  ...needPeerAsRoot("postfix", "dovecot", "curl", "openssl"),
  name: "Postfix hears by XCLIENT who logged in at the proxy",
  fn: () =>
    withStage(async (stage, onEnd) => {
      const { certificate } = stage;
      const folder = await stage.subfolder("dovecot");
      const dovecot = onEnd(await startDovecot({ folder, certificate, users: ["anna"] }));
      const postfix = onEnd(
        await startPostfix({
          folder: await stage.subfolder("postfix"),
          certificate,
          users: ["anna"],
          settings: { smtpd_authorized_xclient_hosts: "127.0.0.1" },
          authPort: dovecot.authPort,
        }),
      );
      const ports = await stage.smtpProxy({
        name: "own logins",
        announceClient: "xclient",
        targetPort: postfix.smtpPort,
        targetTls: "none",
        clients: [{ username: login.username, passwordHash: await hashPassword(login.password) }],
      });
      const curl = SMTP_CLIENTS.find(({ name }) => name === "curl");
      await curl?.send({
        port: ports.starttls,
        tls: "starttls",
        caFile: certificate.certFile,
        folder: await stage.subfolder("curl"),
        mailFrom: "a@b.example",
        recipients: ["anna@company.example"],
        content: MAIL,
        login,
      });
      await until(() => /sasl_username=anna/.test(postfix.log()), postfix.log);
      assertEquals(stage.captures().map(({ report }) => report.client.authenticatedAs), ["anna"]);
    }),
});
