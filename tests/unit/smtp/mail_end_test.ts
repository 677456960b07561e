import { assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../../src/base/bytes.ts";
import { outcomeOf } from "../../../src/smtp/counters.ts";
import { answersDue, type MailEnd, settleMail } from "../../../src/smtp/mail_end.ts";
import { formatReply } from "../../../src/smtp/reply.ts";

const ok = formatReply(250, "", "Ok");
const no = formatReply(554, "", "No");
const closing = formatReply(421, "", "Closing");

/** What the client hears; whether target and client stay; whether the transaction is over; the outcome. */
type Row = [end: MailEnd, answers: string, target: boolean, client: boolean, over: boolean, outcome: string];

const table: readonly Row[] = [
  [{ kind: "answered", replies: [ok], lost: false }, "250", true, true, true, "accepted"],
  [{ kind: "answered", replies: [no], lost: false }, "554", true, true, true, "refused"],
  [{ kind: "answered", replies: [no, ok], lost: false }, "554 250", true, true, true, "accepted"],
  [{ kind: "answered", replies: [no, closing], lost: true }, "554 421", false, false, true, "unknown"],
  [{ kind: "answered", replies: [closing], lost: false }, "421", false, false, true, "refused"],
  [{ kind: "not-started", reply: no }, "554", true, true, false, "refused"],
  [{ kind: "not-started", reply: closing }, "421", false, false, false, "refused"],
  [{ kind: "copy-failed", stage: "before", noSpace: true }, "452", true, true, true, "undelivered"],
  [{ kind: "copy-failed", stage: "during", noSpace: true }, "452", false, true, true, "undelivered"],
  [{ kind: "copy-failed", stage: "during", noSpace: false }, "451", false, true, true, "undelivered"],
  [{ kind: "target-lost", stage: "before", loss: "closed" }, "421", false, false, true, "undelivered"],
  [{ kind: "target-lost", stage: "during", loss: "timeout" }, "451", false, true, true, "undelivered"],
  [{ kind: "target-lost", stage: "after", loss: "malformed" }, "451", false, true, true, "unknown"],
  [{ kind: "early-reply", reply: no }, "554", false, true, true, "refused"],
  [{ kind: "early-reply", reply: ok }, "451", false, true, true, "refused"],
  [{ kind: "early-reply", reply: closing }, "421", false, false, true, "refused"],
  [{ kind: "too-big" }, "552", false, true, true, "undelivered"],
  [{ kind: "refused-octets", offence: "nul" }, "550", false, true, true, "undelivered"],
  [{ kind: "early-talk" }, "554", false, false, true, "undelivered"],
  [{ kind: "endless", cause: { kind: "too-big" } }, "552", false, false, true, "undelivered"],
  [{ kind: "client-lost", how: "closed" }, "", false, false, true, "undelivered"],
  [{ kind: "client-lost", how: "timeout" }, "421", false, false, true, "undelivered"],
];

for (const [end, answers, target, client, over, outcome] of table) {
  const { kind, ...rest } = end;
  const details = Object.values(rest).filter((value) => typeof value === "string").join(" ");
  Deno.test(`settleMail() of ${kind} ${details} says ${answers || "nothing"}`, () => {
    const settlement = settleMail(end);
    assertEquals(settlement.answers.map(({ bytes }) => decodeUtf8(bytes).slice(0, 3)).join(" "), answers);
    assertEquals(settlement.targetOpen, target, "targetOpen");
    assertEquals(settlement.clientOpen, client, "clientOpen");
    assertEquals(settlement.transactionOver, over, "transactionOver");
    assertEquals(outcomeOf(end), outcome);
  });
}

Deno.test("answersDue() is one for each recipient where the command ends a mail", () => {
  assertEquals(answersDue("data", 3), { before: 1, after: 3 });
  assertEquals(answersDue("last-chunk", 3), { before: 3, after: 3 });
  assertEquals(answersDue("chunk", 3), { before: 1, after: 1 });
});

Deno.test("settleMail() gives all answers that are due, one where the session ends", () => {
  const due = { before: 2, after: 3 };
  const times = (end: MailEnd) => settleMail(end, due).answers.length;
  assertEquals(times({ kind: "copy-failed", stage: "before", noSpace: false }), 2);
  for (const stage of ["during", "after"] as const) {
    assertEquals(times({ kind: "target-lost", stage, loss: "closed" }), 3);
  }
  assertEquals(times({ kind: "copy-failed", stage: "during", noSpace: false }), 3);
  assertEquals(times({ kind: "early-reply", reply: no }), 3);
  assertEquals(times({ kind: "too-big" }), 3);
  assertEquals(times({ kind: "refused-octets", offence: "nul" }), 3);
  assertEquals(times({ kind: "early-talk" }), 1);
  assertEquals(times({ kind: "not-started", reply: no }), 1);
});
