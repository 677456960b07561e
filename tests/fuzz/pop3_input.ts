import type { Random } from "./random.ts";
import { ODD_TEXT, spoilt } from "./smtp_input.ts";

/** One POP3 command or several, mostly sensible ones, with an octet or two amiss. */
export function pop3Commands(random: Random): string {
  const number = () => random.of(["1", "2", "3", "01", "0", "9", "-1", "99999999999999999999", "1 1", "x", ""]);
  const line = random.of<() => string>([
    () => `RETR ${number()}`,
    () => "RETR 1\r\nRETR 2\r\nNOOP\r\nRETR 1",
    () => `retr ${number()}`,
    () => `TOP ${number()} ${random.of(["0", "1", "9999", "", "x"])}`,
    () => random.of(["UIDL", `UIDL ${number()}`, "LIST", `LIST ${number()}`, "STAT", "CAPA", "RSET", "NOOP", "UTF8"]),
    () => `DELE ${number()}`,
    () => random.of(["USER anna", "PASS right", "PASS wrong", "USER anna\r\nPASS right\r\nRETR 1", "USER", "PASS "]),
    () => random.of(["AUTH", "AUTH PLAIN cmlnaHQ=", "AUTH PLAIN", "AUTH PLAIN !", "APOP a b", "*", "cmlnaHQ=", "="]),
    () => random.of(["XODD", "XTND XMIT", "LANG", "LAST", "", "+OK", ".", "XSENDER 1"]),
    () => random.text(12, ODD_TEXT),
    () => "v".repeat(random.of([500, 4090, 4096, 5000])),
  ])();
  return spoilt(line, random);
}
