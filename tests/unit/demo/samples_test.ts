import { assert, assertEquals } from "@std/assert";
import { decodeLatin1, decodeUtf8 } from "../../../src/base/bytes.ts";
import { sampleMails } from "../../../src/demo/samples/samples.ts";

Deno.test("sampleMails() gives mails that SMTP can carry as they are: CRLF alone, no line over 998 octets", () => {
  for (const { name, content } of sampleMails()) {
    const text = decodeLatin1(content);
    assert(text.endsWith("\r\n"), name);
    assertEquals(text.replaceAll("\r\n", "").match(/[\r\n\0]/), null, name);
    assert(text.split("\r\n").every((line) => line.length <= 998), name);
    assert(text.includes("\r\n\r\n"), name);
  }
});

Deno.test("sampleMails() says what the mails need: 8BITMIME, SMTPUTF8, and example domains only (RFC 2606)", () => {
  for (const { name, content, params, mailFrom, recipients } of sampleMails()) {
    const eightBit = content.some((byte) => byte > 127);
    assertEquals(params.includes("BODY=8BITMIME"), eightBit, name);
    const envelope = [mailFrom, ...recipients].join("");
    assertEquals(params.includes("SMTPUTF8"), /\P{ASCII}/u.test(envelope), name);
    const domains = [...decodeUtf8(content).slice(0, 5000).matchAll(/@([\w.-]+\.[a-z]{3,})/g)].map(([, name]) => name);
    assert(domains.every((domain) => domain?.endsWith(".example")), `${name}: ${domains}`);
  }
});

Deno.test("sampleMails() is the same in every run, with one mail of 10 MB", () => {
  const [first, second] = [sampleMails(), sampleMails()];
  assertEquals(first, second);
  const large = first.filter(({ content }) => content.length >= 10_000_000);
  assertEquals(large.length, 1);
  assert(first.every(({ content }) => content.length < 10_001_000));
});

Deno.test("sampleMails() has a mail with a line of one dot, and one at the end", () => {
  const text = decodeLatin1(sampleMails().find(({ name }) => name.includes("dot"))?.content ?? new Uint8Array(0));
  assert(text.includes("\r\n.\r\n..\r\n"));
  assert(text.endsWith("\r\n.\r\n"));
});
