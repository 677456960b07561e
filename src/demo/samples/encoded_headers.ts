import { mailOf, type Sample } from "./build.ts";

/** Header fields in UTF-8 as encoded words (RFC 2047), the subject in two that belong together. */
export const utf8Header: Sample = {
  name: "a mail with UTF-8 header fields",
  mailFrom: "ben@company.example",
  params: ["RET=HDRS", "ENVID=5c0e91"],
  recipients: ["info@customer.example"],
  content: mailOf(
    "From: =?utf-8?b?SsO8cmdlbiBNw7zDn2ln?= <ben@company.example>",
    "To: info@customer.example",
    "Date: Fri, 06 Nov 2026 11:05:00 +0100",
    "Message-ID: <5c0e91@company.example>",
    "Subject: =?utf-8?b?UsO8Y2tmcmFnZSB6dSBHcsO2w59lbjogT3JkbmVyIGbDvHIgxIZldmFwxI1pxIdp?=",
    " =?utf-8?b?LVJlemVwdGUg4oCUIDEwIOKCrCBSYWJhdHQ/?=",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "Guten Tag,",
    "",
    "wie breit sind die Ordner am R=C3=BCcken, 5 oder 8 cm? Bei 100 St=C3=BCck w=C3=",
    "=A4ren 10 =E2=82=AC Rabatt m=C3=B6glich.",
  ),
};

/** Header and body in ISO-2022-JP (RFC 1468), as Japanese mail programs have written them for decades. */
export const iso2022JpHeader: Sample = {
  name: "a mail in ISO-2022-JP",
  mailFrom: "sato@kyoto-bungu.example",
  params: [],
  recipients: ["info@company.example"],
  content: mailOf(
    "From: =?ISO-2022-JP?B?GyRCOjRGIxsoQg==?= <sato@kyoto-bungu.example>",
    "To: info@company.example",
    "Date: Mon, 09 Nov 2026 10:12:31 +0900",
    "Message-ID: <20261109101231.C4E2@kyoto-bungu.example>",
    "Subject: =?ISO-2022-JP?B?GyRCJCo4K0BRJGokTiQ0ME1NahsoQg==?=",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=ISO-2022-JP",
    "Content-Transfer-Encoding: 7bit",
    "",
    "\x1b$B$*@$OC$K$J$C$F$*$j$^$9!#\x1b(B",
    '\x1b$B@hF|$*Aw$j$$$?$@$$$?%+%?%m%0$N7o$G!"\x1b(B',
    "\x1b$B%U%)%k%@!<!J@D!KI4:}$N$*8+@Q$j$r$*4j$$$$$?$7$^$9!#\x1b(B",
    "\x1b$BG<4|$O==Fs7n==F|$^$G$K$*4j$$$G$-$^$9$G$7$g$&$+!#\x1b(B",
    "",
    "\x1b$B5~ETJ86q3t<02q<R\x1b(B",
    "\x1b$B:4F#\x1b(B",
  ),
};

/** An internationalized mail (RFC 6531, RFC 6532): UTF-8 as it is, in the addresses too. */
export const internationalized: Sample = {
  name: "an internationalized mail (SMTPUTF8)",
  mailFrom: "bestellung@bücher.example",
  params: ["BODY=8BITMIME", "SMTPUTF8"],
  recipients: ["ben@company.example"],
  content: mailOf(
    "From: Bücherstube <bestellung@bücher.example>",
    "To: ben@company.example",
    "Date: Tue, 10 Nov 2026 14:00:00 +0100",
    "Message-ID: <7741@xn--bcher-kva.example>",
    "Subject: Ihre Bestellung: „Über das Ordnen“",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    "Das Buch liegt für Sie bereit. Öffnungszeiten: 9–18 Uhr.",
  ),
};
