/** What a client says in a fuzzed SMTP session. */

import type { Random } from "./random.ts";
import { authResponse, commands, hostileName, loginCommands, loginResponse, mailText } from "./smtp_input.ts";
import { type Arrangement, RIGHT_LOGIN, type SmtpWay } from "./smtp_ways.ts";
import type { Wire } from "./wire.ts";

const PROBE = ["RSET", "MAIL FROM:<probe@x.example>", "RCPT TO:<b@x.example>", "DATA"];

/** Goes its way in good order, turns, and now and then shows at the end that the session is still in step. */
export async function talkSmtp(wire: Wire, random: Random, way: SmtpWay): Promise<void> {
  await wire.settle();
  for (const line of way.lines) {
    wire.say(line.startsWith("BDAT") ? line : `${line.replace("*", hostileName(random))}\r\n`);
    await wire.settle();
  }
  for (let turns = 1 + random.below(4); turns > 0; turns--) {
    await misbehave(wire, random, way);
    if (!random.oneIn(3)) await wire.settle();
  }
  if (random.oneIn(2)) return;
  await wire.settle();
  if (isReply(wire.heard, "354")) wire.say("\r\n.\r\n");
  for (const line of [...openingOf(way.arrangement), ...PROBE]) {
    await wire.settle();
    wire.say(`${line}\r\n`);
  }
  await wire.settle();
  if (isReply(wire.heard, "354")) wire.say("Subject: probe\r\n\r\nstill in step\r\n.\r\n");
}

async function misbehave(wire: Wire, random: Random, { arrangement }: SmtpWay): Promise<void> {
  const ownLogins = arrangement === "logins" || arrangement === "logins-xclient";
  if (isReply(wire.heard, "354")) {
    wire.say(mailText(random));
    if (random.oneIn(3)) await wire.settle();
    if (!random.oneIn(8)) wire.say("\r\n.\r\n");
    if (random.oneIn(4)) wire.say(commands(random));
  } else if (isReply(wire.heard, "334") && !random.oneIn(4)) {
    wire.say(ownLogins ? loginResponse(random) : authResponse(random));
  } else if (ownLogins && random.oneIn(2)) {
    wire.say(loginCommands(random));
  } else if (arrangement !== "plain" && random.oneIn(6)) {
    wire.say(`${arrangement === "lmtp" ? "LHLO" : random.of(["EHLO", "HELO"])} ${hostileName(random)}\r\n`);
  } else {
    wire.say(commands(random));
  }
}

/** What has to be said before a mail; nothing where that is to be left as it is. */
function openingOf(arrangement: Arrangement): readonly string[] {
  switch (arrangement) {
    case "plain":
    case "lmtp":
      return [];
    case "logins":
    case "logins-xclient":
      return ["EHLO fuzz.example", RIGHT_LOGIN];
    default:
      return ["EHLO fuzz.example"];
  }
}

/** True where this is the last that was heard. */
function isReply(heard: string, code: string): boolean {
  return heard.startsWith(code, heard.lastIndexOf("\r\n", heard.length - 3) + 2);
}
