import { assert, assertEquals } from "@std/assert";
import { equalBytes } from "../../src/base/bytes.ts";
import { type MailServer, startMailServer } from "../../src/demo/mail_server.ts";
import { fetchMails } from "../../src/demo/pop3_client.ts";
import { submitMails } from "../../src/demo/smtp_client.ts";
import { type ReadCapture, readCaptures } from "../peers/captures.ts";
import { hashOf } from "../peers/same_mails.ts";
import { corpusIsMissing, type CorpusMail, normalized, readCorpus } from "./corpus.ts";
import { assertFields } from "./documents.ts";
import { install, type Installation } from "./installation.ts";
import { showRaw } from "./show_raw.ts";

const ANNA = { username: "m12345-1", password: "correct-horse", addresses: ["anna@company.example"] };
const USERS = [{ name: "anna", addresses: ["*@company.example"], pop3Users: [ANNA.username] }];
/** Every so manieth mail is shown by a process of its own, too. */
const SHOWN_BY_PROGRAM = 20;

Deno.test({
  ignore: corpusIsMissing(),
  name: "every mail of the corpus passes by SMTP and POP3, is captured, archived and shown, byte for byte",
  fn: async (t) => {
    const server = startMailServer({ accounts: [ANNA] });
    const installation = await install({ smtpTarget: server.smtpPort, pop3Target: server.pop3Port, users: USERS });
    try {
      await carry(t, server, installation, readCorpus());
    } finally {
      await installation.remove();
      await server.close();
    }
  },
});

async function carry(
  t: Deno.TestContext,
  server: MailServer,
  installation: Installation,
  corpus: readonly CorpusMail[],
): Promise<void> {
  const bySmtp = corpus.map(({ path, sent }) => ({ path, octets: normalized(sent) }));
  const byPop3 = corpus.map(({ path, sent }) => ({ path, octets: sent }));
  const running = await installation.run();
  try {
    await t.step("SMTP: what was sent arrived, with CR and LF that stood alone made CRLF", async () => {
      const envelope = {
        mailFrom: "sender@other.example",
        params: ["BODY=8BITMIME"],
        recipients: ["ben@company.example"],
      };
      const results = await Array.fromAsync(submitMails(
        installation.smtpPort,
        corpus.map(({ sent }) => ({ ...envelope, content: sent })),
      ));
      assertEquals(results.filter(({ accepted }) => !accepted), []);
      assertEach(server.mailboxes.accepted.map(({ content }) => content), bySmtp);
    });
    await t.step("POP3: what lay on the server came", async () => {
      for (const { octets } of byPop3) {
        const envelope = { mailFrom: "", params: [], recipients: ANNA.addresses, authenticatedAs: null };
        server.mailboxes.deliver({ ...envelope, content: octets });
      }
      const fetched = await Array.fromAsync(fetchMails(installation.pop3Port, ANNA));
      assertEach(fetched.map(({ content }) => content), byPop3);
    });
  } finally {
    assertEquals(await running.stop(), 0, running.output());
  }
  await t.step("the drop folder has one capture of each, with the same bytes", async () => {
    const captures = readCaptures(installation.dropFolder);
    await checkCaptures(captures.filter(({ report }) => report.smtp !== undefined), bySmtp, "accepted");
    await checkCaptures(captures.filter(({ report }) => report.pop3 !== undefined), byPop3, "retrieved");
    assertEquals(captures.length, 2 * corpus.length);
  });
  await t.step("the archive takes each once", async () => {
    const none = { unassigned: 0, failed: 0, deleted: 0, notArchived: [] };
    const found = 2 * corpus.length;
    const first = await installation.json(0, "archive", "--profile", "nightly");
    assertFields(first, { ...none, found, archived: found, alreadyArchived: 0 });
    const second = await installation.json(0, "archive", "--profile", "nightly");
    assertFields(second, { ...none, found, archived: 0, alreadyArchived: found });
  });
  const distinct = new Map<string, CorpusOctets>();
  for (const mail of [...bySmtp, ...byPop3]) distinct.set(await hashOf(mail.octets), mail);
  await t.step("show --raw gives each back", async () => {
    for (const [id, { path, octets }] of distinct) {
      assert(equalBytes(await showRaw(installation.yamlFile, id), octets), path);
    }
  });
  await t.step("so does the program itself, by the first digits of the ID", async () => {
    for (const [id, { path, octets }] of [...distinct].filter((_, index) => index % SHOWN_BY_PROGRAM === 0)) {
      const { code, stdout, stderr } = await installation.mailtee("show", id.slice(0, 12), "--raw");
      assertEquals(code, 0, `${path}: ${stderr}`);
      assert(equalBytes(stdout, octets), path);
    }
  });
  await t.step("verify finds no damage", async () => {
    const { code, stderr } = await installation.mailtee("verify");
    assertEquals(code, 0, stderr);
  });
}

interface CorpusOctets {
  readonly path: string;
  readonly octets: Uint8Array;
}

/** Mail by mail, in order. */
function assertEach(actual: readonly Uint8Array[], expected: readonly CorpusOctets[]): void {
  expected.forEach(({ path, octets }, index) => assert(equalBytes(actual[index] ?? new Uint8Array(0), octets), path));
  assertEquals(actual.length, expected.length);
}

async function checkCaptures(
  captures: readonly ReadCapture[],
  expected: readonly CorpusOctets[],
  outcome: "accepted" | "retrieved",
): Promise<void> {
  assertEach(captures.map(({ mail }) => mail), expected);
  for (const { report, mail, name } of captures) {
    assertEquals(report.outcome, outcome, name);
    assertEquals(report.mail.sha256, await hashOf(mail), name);
  }
}
