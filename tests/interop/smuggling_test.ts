/**
 * Whatever looks like the end of a mail to some server, but isn't CRLF . CRLF, ends none: what published tools for SMTP
 * smuggling send (CVE-2023-51764, -51765, -51766), and what is like it.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import { EXIM_PROGRAM, startExim } from "../peers/exim.ts";
import { AIOSMTPD_LIBRARY, startAiosmtpd } from "../peers/keeping_server.ts";
import { needPeerAsRoot } from "../peers/peer.ts";
import { startPostfix } from "../peers/postfix.ts";
import { until } from "../peers/program.ts";
import { assertSameMails } from "../peers/same_mails.ts";
import { SmtpLineClient } from "../peers/smtp_line_client.ts";
import type { SmtpServer, SmtpServerOptions } from "../peers/smtp_server.ts";
import { needUnpacked } from "../peers/unpacked.ts";
import { forEachOf } from "./for_each_of.ts";
import { withStage } from "./stage.ts";

/**
 * What the tools send in any of their versions, but for the true end that is among it:
 * https://github.com/The-Login/SMTP-Smuggling-Tools, https://github.com/hannob/smtpsmug,
 * https://github.com/suuhm/smtp_smuggling_checker.py.
 */
const PUBLISHED = [
  ...["\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r\n\0.\r\n"],
  ...["\r\n.\0\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n\0.\r", "\r\n\0.\n", "\n\n.\r\n", "\r\n."],
];
/** What is like it: what stands before the dot, and behind it. */
const BEFORE = [
  "\r\n",
  "\n",
  "\r",
  "\n\n",
  "\r\r",
  "\r\r\n",
  "\r\n\r",
  "\n\r",
  "\r\n\0",
  "\n\0",
  "\r\0",
  "\0\r\n",
  "\r\0\n",
];
const BEHIND = [
  "\r\n",
  "\n",
  "\r",
  "\r\r\n",
  "\r\r",
  "\n\n",
  "\n\r",
  "\0\r\n",
  "\r\0\n",
  "\0\n",
  " \r\n",
  "\t\n",
  ".\r\n",
];
const OTHERS = [
  "\u00c2\u0085.\u00c2\u0085",
  "\x0b.\x0b",
  "\x0c.\x0c",
  "\x1e.\x1e",
  "\r\n .\r\n",
  "\r\n\t.\n",
  "\\r\\n.\\r\\n",
];
const COMBINED = BEFORE.flatMap((before) => BEHIND.map((behind) => `${before}.${behind}`));
const SEQUENCES: readonly string[] = [
  ...new Set([...PUBLISHED, ...COMBINED.filter((each) => !each.includes("\r\n.\r\n")), ...OTHERS]),
];
const SMUGGLED = "MAIL FROM:<mallory@company.example>\r\nRCPT TO:<anna@company.example>\r\nDATA\r\nSubject: smuggled";

const SERVERS: readonly {
  readonly name: string;
  readonly need: { readonly ignore: boolean };
  readonly start: (options: SmtpServerOptions) => Promise<SmtpServer>;
}[] = [
  { name: "Postfix", need: needPeerAsRoot("postfix", "openssl"), start: startPostfix },
  { name: "Exim", need: needUnpacked(EXIM_PROGRAM), start: startExim },
  { name: "aiosmtpd", need: needUnpacked(AIOSMTPD_LIBRARY), start: startAiosmtpd },
];

for (const { name, need, start } of SERVERS) {
  Deno.test({
    ...need,
    name: `no end of a mail but the true one is taken for it: ${SEQUENCES.length} sequences, each one mail at ${name}`,
    fn: () =>
      withStage(async (stage, onEnd) => {
        const folder = await stage.subfolder("server");
        const server = onEnd(await start({ folder, certificate: stage.certificate, users: ["anna"] }));
        const { none: port } = await stage.smtpProxy({ name, targetPort: server.smtpPort, targetTls: "none" });
        await forEachOf(
          SEQUENCES,
          JSON.stringify,
          (sequence) => smuggle(port, SEQUENCES.indexOf(sequence), sequence),
        );
        await until(async () => (await server.delivered("anna")).length >= SEQUENCES.length, server.log);
        const captures = stage.captures().map(({ mail }) => mail);
        assertEquals(captures.length, SEQUENCES.length);
        for (const capture of captures) assert(decodeLatin1(capture).includes("\r\nSubject: smuggled"));
        await assertSameMails(await server.delivered("anna"), captures, `${name} and captures`);
      }),
  });
}

/** One mail with another one in it, in a session of its own. */
async function smuggle(port: number, index: number, sequence: string): Promise<void> {
  const client = await SmtpLineClient.connect(port);
  try {
    await client.say("EHLO client.company.example\r\n");
    await client.say("MAIL FROM:<ben@company.example>\r\n");
    await client.say("RCPT TO:<anna@company.example>\r\n");
    await client.say("DATA\r\n");
    const head =
      `From: ben@company.example\r\nDate: Sat, 14 Nov 2026 02:00:07 +0100\r\nMessage-ID: <${index}@x.example>`;
    const reply = await client.say(`${head}\r\n\r\nouter${sequence}${SMUGGLED}\r\n\r\ninner\r\n.\r\n`);
    assertMatch(reply, /^250 /, JSON.stringify(sequence));
    assertMatch(await client.say("QUIT\r\n"), /^221 /, `a second answer to ${JSON.stringify(sequence)}`);
  } finally {
    client.close();
  }
}
