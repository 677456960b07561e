/** What another MIME parser, that of Python's standard library, makes of captures. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openDropWriter } from "../../../src/drop/writer.ts";
import type { CaptureStart } from "../../../src/drop/types.ts";
import { bigMail, captureMail, corpusMails, MAIL, pop3Start, smtpStart, withFolder } from "./samples.ts";

/**
 * Reads paths, one a line, and prints for each what it sees. The mail's octets are taken with part 2 declared opaque,
 * since the parser gives no raw octets of a message/rfc822 part.
 */
const SCRIPT = `
import email, email.policy, hashlib, json, sys
for line in sys.stdin:
    data = open(line.strip(), "rb").read()
    outer = email.message_from_bytes(data, policy=email.policy.compat32)
    parts = outer.get_payload()
    opaque = email.message_from_bytes(data.replace(b"Content-Type: message/rfc822", b"Content-Type: application/x-mail", 1))
    mail = opaque.get_payload()[1].get_payload(decode=True)
    print(json.dumps({
        "type": outer.get_content_type(),
        "journal": outer["X-MS-Journal-Report"],
        "defects": [str(defect) for defect in outer.defects],
        "parts": [part.get_content_type() for part in parts],
        "text": parts[0].get_payload(decode=True).decode("utf-8"),
        "sha256": hashlib.sha256(mail).hexdigest(),
        "report": json.loads(parts[2].get_payload(decode=True))["mail"]["sha256"],
    }))
`;

interface Seen {
  readonly type: string;
  readonly journal: string | null;
  readonly defects: readonly string[];
  readonly parts: readonly string[];
  readonly text: string;
  readonly sha256: string;
  readonly report: string;
}

function hasPython(): boolean {
  try {
    return new Deno.Command("python3", { args: ["-c", "import email"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

async function seenByPython(paths: readonly string[]): Promise<Seen[]> {
  const child = new Deno.Command("python3", {
    args: ["-c", SCRIPT],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  });
  const running = child.spawn();
  const output = running.output();
  const input = running.stdin.getWriter();
  await input.write(new TextEncoder().encode(paths.join("\n") + "\n"));
  await input.close();
  const { stdout, success } = await output;
  assertEquals(success, true);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

const starts: CaptureStart[] = [
  smtpStart(),
  smtpStart({ mailFrom: "", params: ["BODY=BINARYMIME"], recipients: [] }),
  smtpStart({ mailFrom: `"a b"@ünï.example` }),
  pop3Start(),
];

Deno.test({
  name: "Captures are journal reports to Python's email parser, and hold the mail octet for octet",
  ignore: !hasPython(),
  fn: () =>
    withFolder(async (folder) => {
      const writer = await openDropWriter(join(folder, "drop"));
      const odd = [
        "",
        "\r\n",
        "no header, no line end",
        "Subject: only a header\r\n",
        "\n\n\n",
        "--\r\n----=_x\r\n--x--\r\n",
      ];
      const mails = [
        ...odd.map((text) => new TextEncoder().encode(text)),
        MAIL,
        bigMail(100_000),
        ...corpusMails().values(),
      ];
      const captures = await Promise.all(mails.map(async (mail, index) => {
        const start = starts[index % starts.length] ?? smtpStart();
        const capture = writer.begin(start);
        capture.write(mail);
        await capture.seal();
        const path = await capture.commit(
          start.smtp === undefined ? { outcome: "retrieved" } : { outcome: "accepted", reply: "250 Ok" },
        );
        return { path, start, sha256: new Uint8Array(await crypto.subtle.digest("SHA-256", mail)).toHex() };
      }));
      await writer.close();
      const seen = await seenByPython(captures.map(({ path }) => path));
      assertEquals(seen.length, captures.length);
      captures.forEach(({ path, start, sha256 }, index) => {
        const { type, journal, defects, parts, text, ...hashes } = seen[index] ?? fail(path);
        assertEquals([type, journal, defects], ["multipart/mixed", "", []], path);
        assertEquals(parts, ["text/plain", "message/rfc822", "application/json"], path);
        assertEquals(hashes, { ...hashes, sha256, report: sha256 }, path);
        const recipients = start.smtp === undefined
          ? [start.pop3.user]
          : start.smtp.recipients.map(({ address }) => address);
        assertEquals(text.match(/(?<=^Recipient: ).*(?=\r$)/gm) ?? [], recipients, path);
      });
    }),
});

Deno.test({
  name: "The Python script in docs/drop-folder.md takes the mail out of a capture",
  ignore: !hasPython(),
  fn: () =>
    withFolder(async (folder) => {
      const docs = Deno.readTextFileSync(new URL("../../../docs/drop-folder.md", import.meta.url));
      const script = /```python\n([^]*?)```/.exec(docs)?.[1] ?? "";
      const writer = await openDropWriter(join(folder, "drop"));
      const mail = bigMail(100_000);
      const path = await captureMail(writer, mail);
      await writer.close();
      const { stdout } = await new Deno.Command("python3", { args: ["-c", script, path], stdout: "piped" }).output();
      assertEquals(new Uint8Array(stdout), mail);
    }),
});

function fail(path: string): never {
  throw new Error(`nothing was seen of ${path}`);
}
