import { assertEquals, assertThrows } from "@std/assert";
import { Outbox, type OutgoingMail } from "../../../src/pop3/outbox.ts";
import { bytesOf, textOf } from "./memory_connection.ts";

/** All that may go now, write by write. */
function taken(outbox: Outbox): string[] {
  const writes: string[] = [];
  for (let bytes = outbox.take(); bytes !== null; bytes = outbox.take()) writes.push(textOf(bytes));
  return writes;
}

function mailOf(outbox: Outbox, text: string): OutgoingMail {
  const mail = outbox.beginMail();
  mail.append(bytesOf(text));
  return mail;
}

Deno.test("Outbox gives what was added by one write", () => {
  const outbox = new Outbox();
  outbox.append(bytesOf("a"));
  outbox.append(bytesOf("b"));
  const mail = mailOf(outbox, "mail");
  assertEquals([outbox.bytes, outbox.isEmpty], [6, false]);
  assertEquals(taken(outbox), ["abmail"]);
  mail.release(bytesOf("."));
  outbox.append(bytesOf("c"));
  assertEquals(taken(outbox), [".c"]);
  assertEquals([outbox.bytes, outbox.isEmpty], [0, true]);
});

Deno.test("Outbox holds back what comes behind a mail, and lets it go in order", () => {
  const outbox = new Outbox();
  const first = mailOf(outbox, "first");
  first.hold();
  outbox.append(bytesOf("reply"));
  const second = mailOf(outbox, "second");
  second.hold();
  assertEquals([taken(outbox), outbox.heldMails], [[], 2]);
  second.release(bytesOf("."));
  assertEquals([taken(outbox), outbox.heldMails], [[], 1]);
  first.release(bytesOf("."));
  assertEquals([taken(outbox), outbox.heldMails, outbox.isEmpty], [["first.replysecond."], 0, true]);
});

Deno.test("Outbox puts a reply in the place of a mail of which nothing has gone", () => {
  const outbox = new Outbox();
  const mail = mailOf(outbox, "mail");
  mail.hold();
  outbox.append(bytesOf("reply"));
  assertEquals(mail.begun, false);
  mail.replace(bytesOf("error"));
  assertEquals([outbox.bytes, taken(outbox)], [10, ["errorreply"]]);
});

Deno.test("Outbox replaces no mail of which something has gone", () => {
  const outbox = new Outbox();
  const mail = mailOf(outbox, "mail");
  assertEquals([taken(outbox), mail.begun], [["mail"], true]);
  mail.append(bytesOf("more"));
  mail.hold();
  assertEquals(taken(outbox), []);
  assertThrows(() => mail.replace(bytesOf("error")), Error, "can't be replaced");
});

Deno.test("Outbox takes a mail out that comes to nothing", () => {
  const outbox = new Outbox();
  const mail = mailOf(outbox, "mail");
  mail.replace(new Uint8Array(0));
  outbox.append(bytesOf("reply"));
  assertEquals([taken(outbox), outbox.isEmpty], [["reply"], true]);
});

Deno.test("Outbox bounds a write to 64 KiB, or to one piece", () => {
  const outbox = new Outbox();
  for (const size of [40_000, 25_000, 1000, 70_000, 1]) outbox.append(new Uint8Array(size));
  assertEquals(taken(outbox).map(({ length }) => length), [65_000, 1000, 70_000, 1]);
});
