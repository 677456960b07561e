import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../../src/base/bytes.ts";
import { errorText } from "../../../../src/base/errors.ts";
import { openDropWriter } from "../../../../src/drop/writer.ts";
import { mboxEntry } from "../../../../src/export/mbox.ts";
import { findMails } from "../../../../src/ingest/import/sources.ts";
import { journalAddresses } from "../../../../src/ingest/import/exchange_journal.ts";
import type { ImportItem } from "../../../../src/ingest/import/item.ts";
import { withFiles } from "./folder.ts";
import { captureStart } from "../captures.ts";

async function octetsOf({ content }: ImportItem): Promise<string> {
  return decodeUtf8(typeof content === "function" ? concatBytes(await Array.fromAsync(content())) : content);
}

/** [format, octets, addresses] of each mail, and the text of each problem. */
async function found(path: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const each of findMails(path)) {
    if (each.kind === "problem") all.push(errorText(each.error).replaceAll(path, "PATH"));
    else all.push([each.format, await octetsOf(each), each.addresses.map(({ role, address }) => `${role} ${address}`)]);
  }
  return all;
}

Deno.test("findMails() gives an eml file octet for octet", async () => {
  const mail = "Subject: x\n\nbare LF\r\nlast\rline";
  await withFiles({ "a.eml": mail }, async (folder) => {
    assertEquals(await found(join(folder, "a.eml")), [["eml", mail, []]]);
  });
});

Deno.test("findMails() takes a file that is called eml for a mail, however it begins, unless it's empty", async () => {
  await withFiles({ "odd.eml": "no header\n", "empty.eml": "" }, async (folder) => {
    assertEquals(await found(folder), [
      "PATH/empty.eml: it isn't a mail: it doesn't begin with a header field",
      ["eml", "no header\n", []],
    ]);
  });
});

Deno.test("findMails() takes a Maildir with its folders, in wire form, and leaves its other files", async () => {
  const files = {
    "cur/1700000000.M1.host:2,S": "Subject: 1\n\none\n",
    "new/1700000001.M2.host": "Subject: 2\r\n\r\ntwo\r\n",
    "tmp/1700000002.M3.host": "Subject: 3\n\n",
    ".Sent/cur/1700000003.M4.host:2,": "Subject: 4\n\n",
    ".Sent/new/.keep": "",
    "dovecot.index": "\u0000\u0001",
  };
  await withFiles(files, async (folder) => {
    assertEquals(await found(folder), [
      ["maildir", "Subject: 1\r\n\r\none\r\n", []],
      ["maildir", "Subject: 2\r\n\r\ntwo\r\n", []],
      ["maildir", "Subject: 4\r\n\r\n", []],
    ]);
    for await (const each of findMails(folder)) {
      if (each.kind === "mail") return assertEquals(new Date(each.received).toISOString(), "2023-11-14T22:13:20.000Z");
    }
  });
});

const MBOX = [
  "From anna@company.example Tue Nov  3 11:55:01 2026",
  "Subject: 1",
  "",
  ">From the start",
  ">>From far",
  "From here on it is no mail",
  "",
  "From nobody, without a time",
  "",
  "From - Tue Nov 03 11:55:02 2026",
  "Subject: 2",
  "",
  "",
  "",
  "From MAILER-DAEMON Tue Nov  3 11:55:03 +0000 2026",
  "",
].join("\n");

Deno.test("findMails() splits an mbox at From lines after empty lines, and undoes mboxrd's quoting", async () => {
  await withFiles({ "archive.mbox": MBOX }, async (folder) => {
    assertEquals(await found(join(folder, "archive.mbox")), [
      [
        "mbox",
        "Subject: 1\r\n\r\nFrom the start\r\n>From far\r\nFrom here on it is no mail\r\n\r\nFrom nobody, without a time\r\n",
        [],
      ],
      ["mbox", "Subject: 2\r\n\r\n\r\n", []],
      ["mbox", "", []],
    ]);
    const times: string[] = [];
    for await (const each of findMails(join(folder, "archive.mbox"))) {
      if (each.kind === "mail") times.push(new Date(each.received).toISOString());
    }
    assertEquals(times, ["2026-11-03T11:55:01.000Z", "2026-11-03T11:55:02.000Z", "2026-11-03T11:55:03.000Z"]);
  });
});

Deno.test("findMails() keeps the line ends of an mbox with CRLF", async () => {
  await withFiles({ "m": MBOX.replaceAll("\n", "\r\n") }, async (folder) => {
    const [first, second] = await found(join(folder, "m"));
    assertEquals(second, ["mbox", "Subject: 2\r\n\r\n\r\n", []]);
    assertStringIncludes(JSON.stringify(first), "Subject: 1\\r\\n\\r\\nFrom the start\\r\\n");
  });
});

Deno.test("findMails() gets back what mboxEntry() wrote", async () => {
  const mails = [
    "A: b\r\n\r\nFrom x\r\n>From y\r\n\r\n",
    "A: c\r\n\r\n\r\n\r\n",
    "A: d\r\n\r\n" + "long ".repeat(200_000) + "\r\n",
  ];
  const entries = mails.map((mail) =>
    mboxEntry({
      sha256: "",
      size: 0,
      date: new Date("2026-11-03T11:55:01Z"),
      subject: "",
      sender: "",
      content: (async function* () {
        yield encodeUtf8(mail);
      })(),
    })
  );
  const mbox = concatBytes((await Promise.all(entries.map((entry) => Array.fromAsync(entry)))).flat());
  await withFiles({ "m.mbox": mbox }, async (folder) => {
    assertEquals(await found(join(folder, "m.mbox")), mails.map((mail) => ["mbox", mail, []]));
  });
});

Deno.test("findMails() reads a batch of SMTP commands", async () => {
  const batch = [
    "EHLO mail.company.example",
    "MAIL FROM:<anna@company.example> SIZE=100",
    "RCPT TO:<bert@company.example>",
    "RCPT TO: <carl@company.example>",
    "DATA",
    "Subject: 1",
    "",
    "..",
    "..dots",
    ".",
    "MAIL FROM:<>",
    "RCPT TO:<bert@company.example>",
    "DATA",
    ".",
    "QUIT",
    "ignored",
  ];
  const expected = [
    [
      "bsmtp",
      "Subject: 1\r\n\r\n.\r\n.dots\r\n",
      ["sender anna@company.example", "recipient bert@company.example", "recipient carl@company.example"],
    ],
    ["bsmtp", "", ["recipient bert@company.example"]],
  ];
  for (const lineEnd of ["\n", "\r\n"]) {
    await withFiles({ "batch": batch.join(lineEnd) + lineEnd }, async (folder) => {
      assertEquals(await found(join(folder, "batch")), expected);
    });
  }
});

Deno.test("findMails() says what is wrong with a batch, after the mails before it", async () => {
  const mail = "MAIL FROM:<a@b.example>\nRCPT TO:<c@b.example>\nDATA\nSubject: 1\n\n.\n";
  await withFiles({ "cut": `${mail}DATA\nSubject: 2\n`, "junk": `${mail}What is this\n` }, async (folder) => {
    assertEquals((await found(join(folder, "cut")))[1], "PATH: it is cut off: a mail has no last line of one dot");
    assertEquals((await found(join(folder, "junk")))[1], 'PATH: no batch command: "What is this"');
  });
});

const INNER = "From: anna@company.example\r\nSubject: inner\r\n\r\nline  \r\nbare\nlf \u00e4\r\n\r\n";
const JOURNAL = [
  "From: journal@company.example",
  "X-MS-Journal-Report:",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="=_b"',
  "",
  "--=_b",
  "Content-Type: text/plain; charset=us-ascii",
  "",
  "Sender: anna@company.example",
  "Subject: inner",
  "Message-Id: <1@company.example>",
  "To: bert@company.example",
  "Bcc: carl@company.example, Expanded: all@company.example",
  "",
  "--=_b",
  "Content-Type: message/rfc822",
  "",
  `${INNER}\r\n--=_b--`,
  "",
].join("\r\n");

Deno.test("findMails() takes the mail out of an Exchange journal report, octet for octet", async () => {
  await withFiles({ "j.eml": JOURNAL }, async (folder) => {
    assertEquals(await found(join(folder, "j.eml")), [[
      "journal",
      INNER,
      ["sender anna@company.example", "recipient bert@company.example", "recipient carl@company.example"],
    ]]);
  });
});

Deno.test("findMails() reports a journal report without a mail in it", async () => {
  await withFiles({ "j.eml": "X-MS-Journal-Report:\r\n\r\nSender: a@b.example\r\n" }, async (folder) => {
    assertEquals(await found(join(folder, "j.eml")), ["PATH: a journal report without an attached mail"]);
  });
});

Deno.test("journalAddresses() takes each address once and leaves everything else", () => {
  assertEquals(
    journalAddresses(
      "Sender: <a@b.example>\nOn-Behalf-Of: z@b.example\nTo: c@b.example\nTo: c@b.example\nSubject: x@y.example\nCc: \n",
    ),
    [
      { role: "sender", address: "a@b.example" },
      { role: "sender", address: "z@b.example" },
      { role: "recipient", address: "c@b.example" },
    ],
  );
});

Deno.test("findMails() takes captures with envelope and report, and says where one is damaged", async () => {
  await withFiles({}, async (folder) => {
    const drop = join(folder, "drop");
    const writer = await openDropWriter(drop);
    const capture = writer.begin(captureStart({ from: "anna@company.example", to: ["bert@company.example"] }));
    capture.write(encodeUtf8("Subject: x\r\n\r\n"));
    await capture.seal();
    const path = await capture.commit({ outcome: "accepted", reply: "250 Ok" });
    await writer.close();
    await Deno.writeFile(join(drop, "cut.eml"), (await Deno.readFile(path)).subarray(0, -10));
    const all = await found(drop);
    assertEquals(all[0], [
      "capture",
      "Subject: x\r\n\r\n",
      ["sender anna@company.example", "recipient bert@company.example"],
    ]);
    assertEquals(all[1], "PATH/cut.eml: it is cut off: its last line is missing");
  });
});

Deno.test("findMails() walks folders and reports what isn't a mail, in order", async () => {
  await withFiles({
    "a/1.eml": "A: 1\n\n",
    "a/2.msf": "// junk",
    "b.mbox": "From x 11:00 2026\nB: 1\n\n",
    ".hidden": "x",
  }, async (folder) => {
    await Deno.symlink(join(folder, "a"), join(folder, "c"));
    assertEquals(await found(folder), [
      ["eml", "A: 1\n\n", []],
      "PATH/a/2.msf: it isn't a mail: it doesn't begin with a header field",
      ["mbox", "B: 1\r\n", []],
      "PATH/c: it is a symbolic link",
    ]);
    assertEquals(await found(join(folder, "nowhere")), ["PATH isn't there"]);
  });
});
