import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { extractMessage } from "../../../src/message/extract.ts";
import { ExtractThread, type ExtractThreadOptions } from "../../../src/message/extract_thread.ts";

function mail(number: number, octets = 0): Uint8Array<ArrayBuffer> {
  const text = `Text of ${number}\r\n`.repeat(Math.ceil((octets + 1) / 12));
  return encodeUtf8(`From: anna@company.example\r\nSubject: Mail ${number}\r\n\r\n${text}`);
}

/** A thread whose module is this code. */
function moduleOf(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

async function assertExtracts(mails: readonly Uint8Array[], options: ExtractThreadOptions): Promise<void> {
  const thread = new ExtractThread(options);
  try {
    const extracted = await Promise.all(mails.map((octets) => thread.extract(octets)));
    assertEquals(extracted, await Promise.all(mails.map((octets) => extractMessage(octets))));
  } finally {
    thread.close();
  }
}

const MAILS = Array.from({ length: 30 }, (_, number) => mail(number));

Deno.test("ExtractThread gives each mail what extractMessage() gives, before and after its thread is started", async () => {
  await assertExtracts(MAILS, { mailsBefore: 10 });
});

Deno.test("ExtractThread starts no thread before it has got so many mails", async () => {
  const said = moduleOf(
    `self.onmessage = ({ data }) => self.postMessage({ number: data.number, message: "by thread" })`,
  );
  const thread = new ExtractThread({ mailsBefore: 1, module: said });
  try {
    const subjects = [await thread.extract(mail(1)), await thread.extract(mail(2))].map((message) => message.subject);
    assertEquals(subjects, ["Mail 1", undefined]);
  } finally {
    thread.close();
  }
});

Deno.test("ExtractThread leaves the octets to the caller", async () => {
  const thread = new ExtractThread({ mailsBefore: 0 });
  try {
    const around = encodeUtf8(`before${new TextDecoder().decode(mail(1))}after`);
    const octets = around.subarray(6, around.length - 5);
    await thread.extract(octets);
    assertEquals(octets, mail(1));
  } finally {
    thread.close();
  }
});

Deno.test("ExtractThread takes more octets than it gives its thread at once, and mails larger than that", async () => {
  const sizes = [5, 4, 9, 1];
  await assertExtracts(sizes.map((size, number) => mail(number, size * 1024 * 1024)), { mailsBefore: 0 });
});

Deno.test("ExtractThread does without a thread that can't be started", async () => {
  await assertExtracts(MAILS, { mailsBefore: 0, module: new URL("./there_is_no_such_module.ts", import.meta.url) });
});

Deno.test("ExtractThread does itself what a thread leaves that dies in the middle", async () => {
  const message = JSON.stringify(await extractMessage(mail(0)));
  const module = moduleOf(`self.onmessage = ({ data: { number } }) => {
    if (number > 0) throw new Error("no more");
    self.postMessage({ number, message: ${message} });
  }`);
  await assertExtracts(MAILS, { mailsBefore: 0, module });
});

Deno.test("ExtractThread.close() leaves no mail without its text", async () => {
  const thread = new ExtractThread({ mailsBefore: 0, module: moduleOf("self.onmessage = () => {}") });
  const extracted = thread.extract(mail(1));
  const later = thread.extract(mail(2, 9 * 1024 * 1024));
  thread.close();
  assertEquals([(await extracted).subject, (await later).subject], ["Mail 1", "Mail 2"]);
});
