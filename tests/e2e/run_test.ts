import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { type MailServer, startMailServer } from "../../src/demo/mail_server.ts";
import { submitMails } from "../../src/demo/smtp_client.ts";
import { Wire } from "../../src/demo/wire.ts";
import { freePorts, isListening, type RunningProgram, until } from "../peers/program.ts";
import { install, type Installation } from "./installation.ts";
import { shellIn } from "./mailtee.ts";

const BEN = { username: "ben", password: "battery", addresses: ["ben@company.example"] };
const USERS = [{ name: "ben", addresses: BEN.addresses, pop3Users: [BEN.username] }];

Deno.test("init, edit, check, run, archive: the first ten minutes of a user", async () => {
  const server = startMailServer({ accounts: [BEN] });
  const folder = await Deno.makeTempDir({ prefix: "mailtee-first-" });
  try {
    const { mailtee, start } = shellIn(folder);
    assertEquals((await mailtee("init", "--yes")).code, 0);
    const file = join(folder, "proxy.config.ts");
    const [smtpPort = 0, pop3Port = 0] = freePorts(2);
    const edited = (await Deno.readTextFile(file))
      .replace('"smtp.provider.example"', '"127.0.0.1"').replace("port: 465,", `port: ${server.smtpPort},`)
      .replace('"pop.provider.example", port: 995', `"127.0.0.1", port: ${server.pop3Port}`)
      .replaceAll('tls: "implicit"', 'tls: "none"')
      .replaceAll("0.0.0.0", "127.0.0.1").replace("port: 25,", `port: ${smtpPort},`)
      .replace("port: 110,", `port: ${pop3Port},`).replace("anna@company.example", "ben@company.example");
    await Deno.writeTextFile(file, edited);
    const checked = await mailtee("check");
    assertEquals(checked.code, 0, decodeUtf8(checked.stdout) + checked.stderr);
    const running = start("run", "proxy.config.ts");
    try {
      await running.waitFor(async () => await isListening(smtpPort) && await isListening(pop3Port));
      await send(smtpPort, "first", ["ben@company.example"]);
      await send(smtpPort, "second", ["zoe@nowhere.example"], "joe@elsewhere.example");
      const archived = await mailtee("archive", "--profile", "nightly");
      assertEquals(archived.code, 1, archived.stderr);
      assertStringIncludes(decodeUtf8(archived.stdout), "zoe@nowhere.example");
      assertStringIncludes(decodeUtf8((await mailtee("search", "subject:first")).stdout), "first");
      const status = decodeUtf8((await mailtee("status")).stdout);
      assertStringIncludes(status, `process ${running.pid} since`);
      assertStringIncludes(status, "2 captures");
    } finally {
      assertEquals(await running.stop(), 0, running.output());
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
    await server.close();
  }
});

Deno.test("SIGHUP puts a changed config into force, and refuses one with mistakes", async () => {
  await withRunning(async ({ installation, running }) => {
    const file = join(installation.folder, "proxy.config.ts");
    const good = await Deno.readTextFile(file);
    const [otherPort = 0] = freePorts(1);
    await Deno.writeTextFile(file, good.replace('"kind": "smtp"', '"kind": "smpt"'));
    Deno.kill(running.pid, "SIGHUP");
    await untilSaid(running, "refused, the old one goes on");
    assertStringIncludes(running.output(), "smpt");
    await send(installation.smtpPort, "under the old config", BEN.addresses);
    await Deno.writeTextFile(file, good.replace(`"port": ${installation.smtpPort}`, `"port": ${otherPort}`));
    Deno.kill(running.pid, "SIGHUP");
    await untilSaid(running, "read anew and is in force");
    await send(otherPort, "under the new config", BEN.addresses);
    await until(async () => !await isListening(installation.smtpPort), () => "the old port still listens");
  });
});

Deno.test("SIGHUP reloads the config also where it comes while the program starts", async () => {
  const installation = await install({ smtpTarget: 9, pop3Target: 9, users: USERS, profile: {} });
  try {
    const running = installation.start("run", "proxy.config.ts");
    try {
      // The certificate is made before the proxies listen.
      await running.waitFor((output) => output.includes("self-signed certificate"));
      Deno.kill(running.pid, "SIGHUP");
      await untilSaid(running, "read anew and is in force");
    } finally {
      await running.stop();
    }
  } finally {
    await installation.remove();
  }
});

Deno.test("SIGTERM lets a mail under way come to its end, and takes no new session", async () => {
  await withRunning(async ({ server, installation, running }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: installation.smtpPort });
    try {
      const wire = new Wire(connection);
      const say = async (line: string) => {
        await wire.writeLines(line);
        return await replyOf(wire);
      };
      await replyOf(wire);
      for (const line of ["EHLO client.example", "MAIL FROM:<ben@company.example>", "RCPT TO:<ben@company.example>"]) {
        assert((await say(line)).startsWith("250"));
      }
      assert((await say("DATA")).startsWith("354"));
      await wire.writeLines("Subject: half");
      Deno.kill(running.pid, "SIGTERM");
      await untilSaid(running, "Stopping");
      // Whoever reloads a program that is just stopping doesn't end it.
      Deno.kill(running.pid, "SIGHUP");
      await until(async () => !await isListening(installation.smtpPort), () => "it still listens");
      await wire.writeLines("", "the other half");
      assertEquals((await say(".")).slice(0, 3), "250");
      assertEquals((await replyOf(wire)).slice(0, 3), "421");
    } finally {
      connection.close();
    }
    assertEquals(await running.stop(), 0, running.output());
    assertEquals(server.mailboxes.accepted.length, 1);
    const captures = [...Deno.readDirSync(installation.dropFolder)].filter(({ name }) => name.endsWith(".eml"));
    assertEquals(captures.length, 1);
  });
});

Deno.test("mailtee run archives on its own schedule, and a second one of the same folder is refused", async () => {
  await withRunning(async ({ installation }) => {
    const second = await installation.mailtee("run", "proxy.config.ts");
    assertEquals(second.code, 75, second.stderr);
    assertStringIncludes(second.stderr, "already runs");
    await send(installation.smtpPort, "archived by itself", BEN.addresses);
    await until(
      async () => decodeUtf8((await installation.mailtee("search", "--json", "subject:itself")).stdout) !== "",
      () => "the scheduled profile has archived nothing",
    );
  }, { schedule: "* * * * * *" });
});

interface Running {
  readonly server: MailServer;
  readonly installation: Installation;
  readonly running: RunningProgram;
}

async function withRunning(use: (parts: Running) => Promise<void>, profile: Record<string, unknown> = {}) {
  const server = startMailServer({ accounts: [BEN] });
  const installation = await install({
    smtpTarget: server.smtpPort,
    pop3Target: server.pop3Port,
    users: USERS,
    profile,
  });
  try {
    const running = await installation.run();
    try {
      await use({ server, installation, running });
    } finally {
      await running.stop();
    }
  } finally {
    await installation.remove();
    await server.close();
  }
}

async function untilSaid(running: RunningProgram, words: string): Promise<void> {
  await until(() => running.output().includes(words), () => `it never said "${words}":\n${running.output()}`);
}

async function send(
  port: number,
  subject: string,
  recipients: readonly string[],
  mailFrom = "ben@company.example",
): Promise<void> {
  const content = encodeUtf8(`From: ${mailFrom}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`);
  for await (
    const result of submitMails(port, [{ mailFrom, params: [], recipients, content }])
  ) {
    assert(result.accepted, result.reply);
  }
}

/** The last line of a reply. */
async function replyOf(wire: Wire): Promise<string> {
  for (;;) {
    const line = await wire.readLine();
    if (line === null) return "";
    if (line[3] !== "-") return line;
  }
}
