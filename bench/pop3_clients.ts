/** POP3 clients of benches: one of our own that pipelines, and mpop, which asks for one mail after the other. */

import { join } from "@std/path";
import { encodeUtf8 } from "../src/base/bytes.ts";
import { DotReader } from "../src/net/dot_stream.ts";
import { passwordOf } from "../tests/peers/dovecot.ts";

/** A mailbox to fetch, and where from. */
export interface Fetch {
  readonly port: number;
  readonly user: string;
  readonly mails: number;
}

/** Retrieves every mail with `windowSize` RETR under way; gives the seconds that the retrieving took. */
export async function fetchPipelined({ port, user, mails }: Fetch, windowSize: number): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  const answer = async (command: string | null, end = "\r\n") => {
    if (command !== null) await connection.write(encodeUtf8(command));
    let text = "";
    while (!text.endsWith(end)) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("the server hung up");
      text += new TextDecoder().decode(buffer.subarray(0, count));
      if (text.startsWith("-")) throw new Error(text);
    }
  };
  await answer(null);
  await answer(`USER ${user}\r\n`);
  await answer(`PASS ${passwordOf(user)}\r\n`);
  // Only who has heard of PIPELINING may have several commands under way (RFC 2449 section 6.6).
  await answer("CAPA\r\n", "\r\n.\r\n");
  const started = performance.now();
  let asked = 0;
  const ask = async (upTo: number) => {
    let commands = "";
    while (asked < Math.min(upTo, mails)) commands += `RETR ${++asked}\r\n`;
    if (commands !== "") await connection.write(encodeUtf8(commands));
  };
  await ask(windowSize);
  let reader = new DotReader({ bareNewline: "keep" });
  for (let got = 0; got < mails;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`the server hung up after ${got} mails`);
    for (let at = 0; at < count;) {
      // The +OK line before a mail goes for the mail's first line.
      const step = reader.push(buffer.subarray(at, count));
      at += step.consumed;
      if (!step.ended) continue;
      got++;
      reader = new DotReader({ bareNewline: "keep" });
    }
    await ask(got + windowSize);
  }
  const seconds = (performance.now() - started) / 1000;
  await answer("QUIT\r\n");
  return seconds;
}

/** Has mpop deliver every mail into a new Maildir in `folder`; gives the seconds that it ran. */
export async function fetchByMpop({ port, user, mails }: Fetch, folder: string): Promise<number> {
  const own = await Deno.makeTempDir({ dir: folder });
  const maildir = join(own, "Maildir");
  for (const path of [maildir, ...["new", "cur", "tmp"].map((name) => join(maildir, name))]) await Deno.mkdir(path);
  const config = [
    ...["account default", "host 127.0.0.1", `port ${port}`, `user ${user}`, `password ${passwordOf(user)}`],
    ...["auth user", "tls off", "keep on", "only_new off", "received_header off", `delivery maildir ${maildir}`],
    ...[`uidls_file ${join(own, "uidls")}`, ""],
  ].join("\n");
  await Deno.writeTextFile(join(own, "mpoprc"), config, { mode: 0o600 });
  const started = performance.now();
  const args = [`--file=${join(own, "mpoprc")}`, "--quiet"];
  // Not by runOrFail(), which takes whatever runs for a minute for hanging.
  const { success, stderr } = await new Deno.Command("mpop", { args, stdin: "null", stdout: "null" }).output();
  if (!success) throw new Error(`mpop failed: ${new TextDecoder().decode(stderr)}`);
  const seconds = (performance.now() - started) / 1000;
  const delivered = [...Deno.readDirSync(join(maildir, "new"))].length;
  if (delivered !== mails) throw new Error(`mpop delivered ${delivered} of ${mails} mails`);
  return seconds;
}
