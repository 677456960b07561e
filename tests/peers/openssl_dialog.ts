import { Buffer } from "node:buffer";
import { findProgram } from "./peer.ts";

/** Where `openssl s_client` is to connect to. */
export interface OpensslTarget {
  readonly port: number;
  /** "starttls" is STLS at POP3. openssl itself says what comes before the handshake. */
  readonly tls: "starttls" | "implicit";
  readonly protocol: "smtp" | "pop3";
  readonly caFile: string;
}

/** Says octets, as characters up to U+00FF, and gives what was heard up to the first place that `end` matches. */
export type Say = (text: string, end: RegExp) => Promise<string>;

const LIMIT_MS = 60_000;

/**
 * Talks through `openssl s_client`, one side at a time; the last thing said should end the session. Rejects where the
 * server isn't the one of the certificate, or isn't heard to say what was waited for within a minute.
 */
export async function talkByOpenssl<Result>(
  target: OpensslTarget,
  talk: (say: Say) => Promise<Result>,
): Promise<Result> {
  const child = new Deno.Command(findProgram("openssl") ?? "openssl", {
    args: [
      ...["s_client", "-quiet", "-connect", `localhost:${target.port}`, "-servername", "localhost"],
      ...["-CAfile", target.caFile, "-verify_return_error", "-verify_hostname", "localhost"],
      ...(target.tls === "starttls" ? ["-starttls", target.protocol] : []),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => kill(child), LIMIT_MS);
  const complaints = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader();
  try {
    const result = await talk(sayBy(writer, reader));
    await reader.cancel();
    return result;
  } catch (error) {
    kill(child);
    throw new Error(`openssl s_client to ${target.port}: ${await complaints}`, { cause: error });
  } finally {
    clearTimeout(timer);
    await writer.close().catch(() => undefined); // openssl may have ended before
    await Promise.all([child.status, complaints]);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function sayBy(writer: WritableStreamDefaultWriter<Uint8Array>, reader: ReadableStreamDefaultReader<Uint8Array>): Say {
  let heard = "";
  return async (text, end) => {
    if (text !== "") await writer.write(Buffer.from(text, "latin1"));
    for (;;) {
      const match = end.exec(heard);
      if (match !== null) {
        const upTo = match.index + match[0].length;
        const reply = heard.slice(0, upTo);
        heard = heard.slice(upTo);
        return reply;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error(`the server hung up after ${JSON.stringify(heard)}, before ${end}`);
      heard += Buffer.from(value).toString("latin1");
    }
  };
}
