/** How a fuzzed SMTP session is arranged, and how far it gets in good order before it turns. */

/** What the proxy and its target have agreed on, besides a plain relay. */
export type Arrangement =
  | "plain"
  | "lmtp"
  /** The proxy checks logins itself. */
  | "logins"
  /** The same, and the target hears of them. */
  | "logins-xclient"
  | "xclient"
  | "xforward"
  /** Clients come through a load balancer, and the target hears of them in the same way. */
  | "proxy-header";

export interface SmtpWay {
  readonly name: string;
  readonly arrangement: Arrangement;
  /** Each waits for its reply. `EHLO *` and the like stand for a name that a client that means harm would use. */
  readonly lines: readonly string[];
}

export const RIGHT_LOGIN = `AUTH PLAIN ${btoa("\0anna\0open sesame, please")}`;
const ENVELOPE = ["MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>"];
const TWO = [...ENVELOPE, "RCPT TO:<c@x.example>"];

const plain = way("plain");
const lmtp = way("lmtp");
const logins = way("logins");

export const SMTP_WAYS: readonly SmtpWay[] = [
  plain("greeted"),
  plain("after EHLO", "EHLO fuzz.example"),
  plain("after HELO", "HELO fuzz.example"),
  plain("after MAIL", "EHLO fuzz.example", "MAIL FROM:<a@x.example>"),
  plain("after RCPT", "EHLO fuzz.example", ...ENVELOPE),
  plain("in DATA", "EHLO fuzz.example", ...ENVELOPE, "DATA"),
  plain("in BDAT", "EHLO fuzz.example", ...ENVELOPE, "BDAT 5\r\nfirst"),
  plain("in AUTH", "EHLO fuzz.example", "AUTH LOGIN"),
  plain("under TLS", "EHLO fuzz.example", "STARTTLS", "EHLO fuzz.example"),
  lmtp("LMTP, greeted"),
  lmtp("LMTP, after LHLO", "LHLO fuzz.example"),
  lmtp("LMTP, after RCPT", "LHLO fuzz.example", ...TWO),
  lmtp("LMTP, in DATA", "LHLO fuzz.example", ...TWO, "DATA"),
  lmtp("LMTP, in BDAT", "LHLO fuzz.example", ...TWO, "BDAT 5\r\nfirst"),
  logins("own logins, greeted"),
  logins("own logins, after EHLO", "EHLO fuzz.example"),
  logins("own logins, in AUTH PLAIN", "EHLO fuzz.example", "AUTH PLAIN"),
  logins("own logins, in AUTH LOGIN", "EHLO fuzz.example", "AUTH LOGIN"),
  logins("own logins, logged in", "EHLO fuzz.example", RIGHT_LOGIN),
  logins("own logins, in DATA", "EHLO fuzz.example", RIGHT_LOGIN, ...ENVELOPE, "DATA"),
  way("logins-xclient")("own logins, told by XCLIENT", "EHLO *"),
  way("logins-xclient")("own logins, told by XCLIENT, after RCPT", "EHLO *", RIGHT_LOGIN, ...ENVELOPE),
  way("xclient")("XCLIENT, greeted"),
  way("xclient")("XCLIENT, after RCPT", "EHLO *", ...ENVELOPE),
  way("xforward")("XFORWARD, after EHLO", "EHLO *"),
  way("xforward")("XFORWARD, after RCPT", "EHLO *", ...ENVELOPE),
  way("proxy-header")("PROXY, greeted"),
  way("proxy-header")("PROXY, in DATA", "EHLO fuzz.example", ...ENVELOPE, "DATA"),
];

function way(arrangement: Arrangement): (name: string, ...lines: string[]) => SmtpWay {
  return (name, ...lines) => ({ name, arrangement, lines });
}
