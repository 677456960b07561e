import { join } from "@std/path";
import { decodeLatin1 } from "../../src/base/bytes.ts";
import { crlfFromLf } from "./line_ends.ts";
import { whenListening } from "./listening.ts";
import { freePorts, startProgram } from "./program.ts";

/** Postfix's smtp-sink: takes every mail, and keeps each in a file. */
export interface SmtpSink {
  readonly port: number;
  /** The mails so far, in no particular order, without what smtp-sink put before them, with CRLF line ends. */
  mails(): Uint8Array[];
  stop(): Promise<void>;
}

/** Starts smtp-sink in an empty folder. */
export async function startSmtpSink(folder: string, protocol: "smtp" | "lmtp" = "smtp"): Promise<SmtpSink> {
  const [port = 0] = freePorts(1);
  const dumps = join(folder, "mails");
  await Deno.mkdir(dumps);
  const program = startProgram("smtp-sink", {
    args: [
      ...(protocol === "lmtp" ? ["-L"] : []),
      "-u",
      "root",
      "-R",
      folder,
      "-d",
      "mails/",
      `127.0.0.1:${port}`,
      "200",
    ],
  });
  await whenListening(program, [port], () => program.stop());
  return {
    port,
    mails: () => {
      const names = Array.from(Deno.readDirSync(dumps), ({ name }) => name);
      return names.map((name) => withoutEnvelope(Deno.readFileSync(join(dumps, name))));
    },
    stop: async () => {
      await program.stop();
    },
  };
}

/** smtp-sink begins a file with the session and the envelope, and closes it with an empty line. */
function withoutEnvelope(dump: Uint8Array): Uint8Array {
  const [envelope] = /^(?:X-[\w-]+: .*\n)+Received: .*\n(?:\t.*\n)*/.exec(decodeLatin1(dump)) ?? [];
  if (envelope === undefined) throw new Error("smtp-sink's file doesn't begin as its manual says.");
  return crlfFromLf(dump.subarray(envelope.length, -1));
}
