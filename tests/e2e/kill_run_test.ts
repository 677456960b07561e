import { assert, assertEquals, AssertionError } from "@std/assert";
import { decodeLatin1, encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { type MailServer, startMailServer } from "../../src/demo/mail_server.ts";
import { fetchMails } from "../../src/demo/pop3_client.ts";
import { submitMails } from "../../src/demo/smtp_client.ts";
import { Wire } from "../../src/demo/wire.ts";
import { type ReadCapture, readCaptures } from "../peers/captures.ts";
import { until } from "../peers/program.ts";
import { install, type Installation } from "./installation.ts";

const BEN = { username: "ben", password: "battery", addresses: ["ben@company.example"] };
const USERS = [{ name: "ben", addresses: BEN.addresses, pop3Users: [BEN.username] }];
/** After how many accepted mails of a round the program is killed. */
const KILL_AFTER = [1, 7, 16, 30, 45];
const CLIENTS = 3;

Deno.test("kill -9 of `mailtee run` with mails under way: what was accepted is there, and once", async () => {
  await withInstallation(async (server, installation) => {
    const told = new Set<string>();
    for (const [round, killAfter] of KILL_AFTER.entries()) {
      const running = await installation.run();
      const half = await sendHalf(installation.smtpPort, mailText(`half-${round}`));
      const clients = Array.from(
        { length: CLIENTS },
        (_, client) => sendUntilLost(installation.smtpPort, `round-${round}-client-${client}`, told),
      );
      const before = told.size;
      await until(() => told.size >= before + killAfter, () => `only ${told.size - before} mails were accepted`);
      await running.stop("SIGKILL");
      half.close();
      await Promise.all(clients);
    }
    const last = await installation.run();
    assertEquals(await last.stop(), 0, last.output());
    const upstream = server.mailboxes.accepted.map(({ content }) => nameOf(content));
    checkLedgers({ told, upstream, captures: readCaptures(installation.dropFolder) });
  });
});

Deno.test("kill -9 of `mailtee run` with retrievals under way: what a client has whole, has a copy", async () => {
  await withInstallation(async (server, installation) => {
    for (let number = 0; number < 60; number++) {
      const content = encodeUtf8(mailText(`lying-${number}`));
      server.mailboxes.deliver({ mailFrom: "", params: [], recipients: BEN.addresses, authenticatedAs: null, content });
    }
    const got: string[] = [];
    for (const killAfter of KILL_AFTER) {
      const running = await installation.run();
      const clients = Array.from({ length: CLIENTS }, () => fetchUntilLost(installation.pop3Port, got));
      const before = got.length;
      await until(() => got.length >= before + killAfter, () => `only ${got.length - before} mails came`);
      await running.stop("SIGKILL");
      await Promise.all(clients);
    }
    const last = await installation.run();
    assertEquals(await last.stop(), 0, last.output());
    const captures = readCaptures(installation.dropFolder);
    captures.forEach(checkContent);
    const copies = Map.groupBy(captures, ({ mail }) => nameOf(mail));
    for (const [name, retrievals] of Map.groupBy(got, (each) => each)) {
      const count = copies.get(name)?.length ?? 0;
      assert(count >= retrievals.length, `${name}: ${retrievals.length} retrievals, ${count} copies`);
    }
  });
});

async function withInstallation(use: (server: MailServer, installation: Installation) => Promise<void>): Promise<void> {
  const server = startMailServer({ accounts: [BEN] });
  const installation = await install({ smtpTarget: server.smtpPort, pop3Target: server.pop3Port, users: USERS });
  try {
    await use(server, installation);
  } finally {
    await installation.remove();
    await server.close();
  }
}

/** Sends one mail after the other, and notes those that were accepted, until the connection is lost. */
async function sendUntilLost(port: number, prefix: string, told: Set<string>): Promise<void> {
  const names = numbered(prefix);
  const sent: string[] = [];
  const mails = names.map((name) => {
    sent.push(name);
    return { mailFrom: "a@b.example", params: [], recipients: BEN.addresses, content: encodeUtf8(mailText(name)) };
  });
  try {
    for await (const { accepted, reply } of submitMails(port, mails)) {
      assert(accepted, reply);
      told.add(sent.shift() ?? "");
    }
  } catch (error) {
    if (error instanceof AssertionError) throw error; // anything else is the lost connection
  }
}

function* numbered(prefix: string): Generator<string> {
  for (let number = 0;; number++) yield `${prefix}-mail-${number}`;
}

async function fetchUntilLost(port: number, got: string[]): Promise<void> {
  try {
    for (;;) for await (const { content } of fetchMails(port, BEN)) got.push(nameOf(content));
  } catch {
    // The program was killed.
  }
}

/** Begins a mail and leaves it at its half. */
async function sendHalf(port: number, text: string): Promise<{ close(): void }> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const wire = new Wire(connection);
  await wire.writeLines("EHLO client.example");
  for (let line = ""; !line.startsWith("250 ");) line = await wire.readLine() ?? "250 (lost)";
  for (const command of ["MAIL FROM:<a@b.example>", "RCPT TO:<ben@company.example>", "DATA"]) {
    await wire.writeLines(command);
    await wire.readLine();
  }
  await wire.writeLines(...text.split("\r\n").slice(0, -3));
  return connection;
}

/** A mail that tells its name; every third is large enough to be on its way for a while. */
function mailText(name: string): string {
  const repeats = Number(/\d+$/.exec(name)?.[0]) % 3 === 0 ? 4000 : 20;
  return `Subject: ${name}\r\n\r\n${`.${name} is told again and again\r\n`.repeat(repeats)}the end\r\n`;
}

function nameOf(mail: Uint8Array): string {
  return /^Subject: (\S+)/.exec(decodeLatin1(mail.subarray(0, 200)))?.[1] ?? "(no name)";
}

function checkContent({ name, mail }: ReadCapture): void {
  assert(equalBytes(mail, encodeUtf8(mailText(nameOf(mail)))), `${name} isn't the mail that was sent`);
}

function checkLedgers(
  { told, upstream, captures }: {
    readonly told: ReadonlySet<string>;
    readonly upstream: readonly string[];
    readonly captures: readonly ReadCapture[];
  },
): void {
  captures.forEach(checkContent);
  const copied = captures.map(({ mail }) => nameOf(mail));
  const settled = captures.filter(({ report }) => report.outcome !== "unknown").map(({ mail }) => nameOf(mail));
  const missingFrom = (whole: readonly string[], part: Iterable<string>) => {
    const has = new Set(whole);
    return [...part].filter((name) => !has.has(name));
  };
  assertEquals(missingFrom(upstream, told), [], "told accepted, but not at the server");
  assertEquals(missingFrom(copied, told), [], "told accepted, but without a copy");
  assertEquals(missingFrom(copied, upstream), [], "at the server, but without a copy");
  assertEquals(missingFrom(upstream, settled), [], "captured as accepted, but not at the server");
  assertEquals(copied.length, new Set(copied).size, "captured twice");
  assertEquals(new Set(captures.map(({ report }) => report.id)).size, captures.length, "an id was given twice");
  assertEquals(copied.filter((name) => name.startsWith("half-")), [], "captured, but never sent whole");
}
