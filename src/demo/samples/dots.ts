import { mailOf, type Sample } from "./build.ts";

/** A mail whose body has a line of one dot and lines that begin with dots (RFC 5321 section 4.5.2). */
export const dots: Sample = {
  name: "a mail with a line of one dot",
  mailFrom: "cron@server.example",
  params: [],
  recipients: ["ben@company.example"],
  content: mailOf(
    "From: cron <cron@server.example>",
    "To: ben@company.example",
    "Date: Sat, 14 Nov 2026 02:00:07 +0100",
    "Message-ID: <nightly.20261114@server.example>",
    "Subject: nightly: ls -a1 ~ && ed journal",
    "",
    ".",
    "..",
    ".profile",
    "...and so on",
    ".",
    ".",
    "",
    "The mail goes on after each of these lines. QUIT",
    ".",
  ),
};
