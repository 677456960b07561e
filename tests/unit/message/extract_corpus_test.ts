import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { extractMessage } from "../../../src/message/extract.ts";
import { corpusFolder, corpusMails } from "./corpus.ts";

interface Expected {
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
  readonly text?: string;
  readonly attachments?: readonly string[];
  readonly problem?: string;
}

/** What a person reads in these mails. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  "chasquid/internal__dkim__testdata__08-our_signature.msg.eml": {
    subject: "Is dinner ready?",
    from: "Joe SixPack <joe@football.example.com>",
    text: "We lost the game.",
    attachments: [],
  },
  "enmime/testdata__encode__parser-raw-content-html-option.raw.eml": { text: "My first paragraph éà." },
  "enmime/testdata__encode__parser-raw-content-text-option-true.raw.golden.eml": { text: "添付ファイル名テスト" },
  "enmime/testdata__low-quality__malformed-base64-attach.raw.eml": { attachments: ["some.doc"] },
  "enmime/testdata__low-quality__unk-charset-part.raw.eml": {
    text: "A text section",
    attachments: ["foo_9E5D72.zip"],
  },
  "enmime/testdata__mail__attachment-only.raw.eml": { text: "", attachments: ["favicon.jpg"] },
  "enmime/testdata__mail__multipart-wo-boundary.raw.eml": { problem: "MIME structure is broken" },
  "enmime/testdata__mail__qp-utf8-header.raw.eml": {
    from: "André Pirard <PIRARD@vm1.ulg.ac.be>",
  },
  "mail-parser-rust/resources__eml__legacy__002.eml": {
    subject: "Die Hasen und die Frösche",
    text: "Die Hasen klagten einst über ihre mißliche Lage",
  },
  "mail-parser-rust/resources__eml__legacy__026.eml": {
    attachments: ["HasenundFrösche.txt", "farmerandstork.txt"],
  },
  "mail-parser-rust/resources__eml__legacy__052.eml": { text: "Die Hasen und die Frösche" },
  "mail-parser-rust/resources__eml__thirdparty__005.eml": { text: "『世界人権宣言』" },
  "mail-parser-rust/resources__eml__thirdparty__017.eml": { text: "Search for hähä" },
  "mime4j/core__src__test__resources__mimetools-testmsgs__frag.msg.eml": {
    subject: "[Fwd: [Fwd: [Fwd: FW: Another Priceless Moment]]]",
    text: "From: Vynce <vynce@vynce.org>",
  },
  "mime4j/core__src__test__resources__mimetools-testmsgs__multi-2gifs-base64.msg.eml": {
    attachments: ["", "3d-compress.gif", "3d-eye.gif"],
  },
  "mime4j/core__src__test__resources__mimetools-testmsgs__russian.msg.eml": { attachments: ["Список.doc"] },
  "mime4j/core__src__test__resources__testmsgs__malformedHeader-nocrlfcrlf.msg.eml": {
    subject: "this is a subject",
    text: "Body text",
  },
  "mime4j/examples__src__main__resources__mbox-example__mbox.rlug.001.eml": {
    subject: "Re: RH 8.0 boot floppy",
    from: "lonely wolf <wolfy@pcnet.ro>",
  },
  "mox/testdata__imaptest__imaptest.mbox.016.eml": { from: "mjl iosmail <mjl+iosmail@hé.mox.example>" },
  "mox/testdata__junk__parse.eml": { text: "This email must be viewed in HTML mode." },
  "nodemailer-mailparser/test__fixtures__htmllargecallstack.eml": { problem: "characters of its HTML were read" },
  "postal-mime/test__fixtures__arf.eml": { subject: "FW: Earn money", from: "abusedesk@example.com" },
  "postal-mime/test__fixtures__bounce.eml": {
    from: "Mail Delivery System <MAILER-DAEMON@messagingengine.com>",
    text: "Subject: Proovikiri\n\nVeel üks proov",
  },
  "python-test_email/msg_10.txt.eml": { text: "¡This is a Quoted Printable encoded message!" },
  "python-test_email/msg_11.txt.eml": { text: "Here is the body of the message." },
  "python-test_email/msg_26.txt.eml": { attachments: ["clock.bmp"] },
  "python-test_email/msg_43.txt.eml": { text: "Reporting-MTA: dns; sacspam01.dot.ca.gov" },
  "rspamd/test__functional__messages__alt-html-calendar.eml": {
    subject: "Calendar invite with HTML alternative",
    attachments: ["", "invite.ics"],
  },
  "rspamd/test__functional__messages__currency.eml": { subject: "£600" },
  "rspamd/test__functional__messages__from__from_comment.eml": { from: "Comment text <user@example.org>" },
  "rspamd/test__functional__messages__freemailcc.eml": { text: "skdjaskdjasd", problem: "MIME structure is broken" },
  "rspamd/test__functional__messages__next2last-doublebad.eml": { attachments: ["файл.scr.xz"] },
};

for (const [file, expected] of Object.entries(EXPECTED)) {
  Deno.test({
    name: `extractMessage() reads ${file}`,
    ignore: corpusFolder === null,
    async fn() {
      const message = await extractMessage(Deno.readFileSync(join(corpusFolder ?? "", file)));
      if (expected.subject !== undefined) assertEquals(message.subject, expected.subject);
      if (expected.from !== undefined) assertStringIncludes(message.from, expected.from);
      if (expected.to !== undefined) assertEquals(message.to, expected.to);
      if (expected.text === "") assertEquals(message.text, "");
      else if (expected.text !== undefined) assertStringIncludes(message.text, expected.text);
      if (expected.attachments !== undefined) {
        assertEquals(message.attachments.map(({ name }) => name), expected.attachments);
      }
      assertStringIncludes(message.problems.join("\n"), expected.problem ?? "");
      if (expected.problem === undefined) assertEquals(message.problems, []);
    },
  });
}

Deno.test({
  name: "extractMessage() never fails on the corpus, and gives the same piece by piece",
  ignore: corpusFolder === null,
  async fn() {
    const mails = corpusMails(corpusFolder ?? "");
    assertGreater(mails.length, 500);
    for (const path of mails) {
      const bytes = Deno.readFileSync(path);
      const whole = await extractMessage(bytes);
      // deno-lint-ignore no-control-regex
      assertEquals(/[\x00-\x08\x0b-\x1f\x7f]/.test(JSON.stringify(whole)), false, path);
      assertEquals(await extractMessage(inPieces(bytes, 1000)), whole, path);
    }
  },
});

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let at = 0; at < bytes.length; at += length) {
    const piece = bytes.subarray(at, at + length);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}
