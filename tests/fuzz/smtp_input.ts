/** What a client that means harm sends, or one that is broken. Octets are characters up to U+00FF. */

import { USERS } from "./login_reading.ts";
import type { Random } from "./random.ts";

const ODDS = [
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  "<",
  ">",
  ",",
  ".",
  "\x80",
  '"',
  "\\",
  "\r\n",
  ":",
  "\x7f",
  "\xc3\xa9",
] as const;
const BODY = [
  ...["\r\n", "\r\n.", ".", "\r", "\n", "\0", "x", "\xff", "Subject: y", "\r\n..", "\n.\n", "\n.\r\n", "\r\n.\n"],
  ...["\r\n.\r", "\r.\r", "\r\n.\0\r\n", "\r\n\0.\r\n", "\r\n. \r\n", "QUIT\r\n", "MAIL FROM:<m@x.example>\r\n"],
  ...["RCPT TO:<v@x.example>\r\n", "DATA\r\n", "BDAT 3 LAST\r\n", "\r\n\r\n", "y".repeat(120)],
] as const;
const FRAGMENTS: readonly [string, ...string[]] = [BODY[0] ?? "", ...BODY.slice(1)];

/** Single octets, and some more, that have no place in a command. */
export const ODD_TEXT: readonly [string, ...string[]] = [...ODDS];

export function address(random: Random): string {
  return `${random.of(["a", "b", "no", "d.e", "f+g", '"q s"', ""])}@x.example`;
}

/** What stands before the end marker of a mail; now and then with one inside. */
export function mailText(random: Random): string {
  return random.text(20, FRAGMENTS);
}

/** One chunk or more, the last one said to be so; sometimes with a size that is wrong. */
export function chunks(random: Random): string {
  let text = "";
  for (let count = random.below(3); count >= 0; count--) {
    const octets = mailText(random);
    const size = random.oneIn(10) ? random.of([0, 1, octets.length + 1, 99_999_999]) : octets.length;
    text += `BDAT ${size}${count === 0 && !random.oneIn(5) ? " LAST" : ""}\r\n${octets}`;
  }
  return text;
}

/** One command or several, mostly sensible ones, with an octet or two amiss. */
export function commands(random: Random): string {
  const line = random.of<(random: Random) => string>([
    (r) => `MAIL FROM:<${address(r)}>`,
    (r) => `RCPT TO:<${address(r)}>`,
    (r) => `MAIL FROM:<${address(r)}>\r\nRCPT TO:<${address(r)}>\r\nRCPT TO:<${address(r)}>`,
    (r) => `RSET\r\nMAIL FROM:<${address(r)}> BODY=8BITMIME\r\nRCPT TO:<${address(r)}>`,
    (r) => `MAIL FROM:<${address(r)}>\r\nRCPT TO:<${address(r)}>\r\nDATA`,
    (r) => `MAIL FROM:<> SIZE=${r.below(9)}\r\nRCPT TO:<@r.example:${address(r)}> NOTIFY=NEVER`,
    (r) => `MAIL FROM:<${address(r)}> BODY=BINARYMIME`,
    (r) => r.of(["RSET", "NOOP", "VRFY a", "HELP", "DATA", "DATA", "DATA x", "rset ", "EXPN l", "ETRN x"]),
    (r) => r.of(["EHLO fuzz.example", "HELO fuzz.example", "EHLO", "LHLO x", "LHLO fuzz.example"]),
    (r) =>
      r.of([
        "XODD x",
        "XCLIENT ADDR=1.2.3.4",
        "XFORWARD ADDR=1.2.3.4",
        "BURL imap://x LAST",
        "TURN",
        "SEND FROM:<a@x.example>",
        "",
      ]),
    (r) => r.of(["AUTH PLAIN", "AUTH PLAIN AGEAYg==", "AUTH LOGIN", "AUTH XODD =", "AUTH", "AUTH PLAIN !"]),
    (r) => r.of(["BDAT", "BDAT x", "BDAT -1", "BDAT 1 2", "BDAT 9999999999999999999", "BDAT 0", "BDAT 0 LAST"]),
    (r) => r.text(12, ODD_TEXT),
    (r) => "v".repeat(r.of([500, 4090, 4096, 5000])),
    chunks,
  ])(random);
  return spoilt(line, random);
}

/** The line with its end, and now and then something amiss. */
export function spoilt(line: string, random: Random): string {
  if (!random.oneIn(5)) return `${line}\r\n`;
  const at = random.below(line.length + 1);
  return `${line.slice(0, at)}${random.of(ODD_TEXT)}${line.slice(at)}${random.of(["\r\n", "\r\n", "\n", "\r", ""])}`;
}

/** What a client says in an AUTH exchange. */
export function authResponse(random: Random): string {
  return `${random.of(["*", "", "AGEAYg==", "!", "QUIT", "MAIL FROM:<a@x.example>", "=", "YQ=="])}\r\n`;
}

/** A name for EHLO that would like to be more than one. */
export function hostileName(random: Random): string {
  const parts = [
    "x",
    "+",
    "=",
    "+20",
    "+0D+0A",
    " ",
    "ADDR=1.2.3.4",
    " LOGIN=anna",
    "[UNAVAILABLE]",
    "\xc3\xa9",
    "\t",
    "\0",
  ] as const;
  if (random.oneIn(6)) {
    return random.of(["x", "+", "\xc3\xa9"]).repeat(random.of([84, 85, 86, 127, 128, 255, 256, 400]));
  }
  return `h${random.text(5, parts)}`;
}

const WRONG = ["", "open sesame", "open sesame, please\0", "\xff"] as const;

/** One AUTH command or more that the proxy itself answers, right or wrong, with what may come behind. */
export function loginCommands(random: Random): string {
  const [user, password] = login(random);
  const line = random.of<string>([
    `AUTH PLAIN ${btoa(`\0${user}\0${password}`)}`,
    `AUTH PLAIN ${btoa(`\0${user}\0${password}`)}`,
    `AUTH PLAIN ${btoa(`${random.of([user, "anna", "admin"])}\0${user}\0${password}`)}`,
    `AUTH PLAIN\r\n${btoa(`\0${user}\0${password}`)}`,
    `AUTH LOGIN ${btoa(user)}\r\n${btoa(password)}`,
    `auth login\r\n${btoa(user)}\r\n${btoa(password)}`,
    `AUTH LOGIN\r\n*\r\nAUTH PLAIN =\r\nNOOP`,
    `AUTH PLAIN ${btoa(`\0${user}\0${password}`)}\r\nMAIL FROM:<${address(random)}>\r\nRCPT TO:<${address(random)}>`,
    random.of(["AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5", "AUTH PLAIN =", "AUTH LOGIN =", "AUTH PLAIN *"]),
  ]);
  return spoilt(line, random);
}

/** What a client says in an AUTH exchange with the proxy itself. */
export function loginResponse(random: Random): string {
  const [user, password] = login(random);
  return `${
    random.of([btoa(user), btoa(password), btoa(password), btoa(`\0${user}\0${password}`), authResponse(random)])
  }\r\n`;
}

function login(random: Random): [user: string, password: string] {
  const [user, password] = random.of([["anna", ""], ...USERS]);
  return random.oneIn(3) ? [random.of([user, "nobody", ""]), random.of(WRONG)] : [user, password];
}
