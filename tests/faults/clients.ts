/** The clients' side: send and fetch mails, whatever happens to the connection, and keep a book of what they were told. */

import { encodeUtf8 } from "../../src/base/bytes.ts";
import { MailteeError } from "../../src/base/errors.ts";
import { stuff, Wire } from "../../src/demo/wire.ts";
import type { TlsMode } from "../../src/net/types.ts";
import type { LoadMail } from "./mails.ts";
import { PeerConnection } from "./peer_connection.ts";

/** Mails that a client asks for at once. */
const PIPELINED_MAILS = 4;

/** What became of one mail, as far as its client knows. */
export interface ToldMail {
  readonly mail: LoadMail;
  readonly by: "smtp" | "lmtp" | "pop3";
  /** POP3: the whole mail with its end is "accepted". LMTP: one recipient is enough. */
  told: "accepted" | "refused" | "nothing";
  /** The octets of a fetched mail. */
  fetched: Uint8Array<ArrayBuffer> | null;
  /** The reply that decided. */
  reply: string;
}

/** How a client connects. */
export interface ConnectOptions {
  /** @default "none" */
  readonly tls?: TlsMode;
  /** The client gives up after so long. @default never */
  readonly limitMs?: number;
}

export interface FetchOptions extends ConnectOptions {
  /** Several RETR without waiting for replies, as RFC 2449 section 6.6 allows. */
  readonly pipelined?: boolean;
}

export interface SendOptions extends ConnectOptions {
  readonly port: number;
  readonly mails: readonly LoadMail[];
  readonly lmtp?: boolean;
  /** Envelope, DATA and the next mail's envelope without waiting for replies, as RFC 2920 allows. */
  readonly pipelined?: boolean;
}

/** Sends mails over one connection. Every mail that was begun is in the book, also where the connection broke. */
export async function sendMails(options: SendOptions, book: ToldMail[]): Promise<void> {
  await connected(options.port, options, async (wire, connection) => {
    const write = (bytes: Uint8Array) => connection.write(bytes);
    const greeting = await readReply(wire);
    if (greeting?.startsWith("220") !== true) return;
    const hello = encodeUtf8(`${options.lmtp === true ? "LHLO" : "EHLO"} client.example\r\n`);
    await write(hello);
    if (await readReply(wire) === null) return;
    if (options.tls === "starttls") {
      await write(encodeUtf8("STARTTLS\r\n"));
      if ((await readReply(wire))?.startsWith("220") !== true) return;
      await connection.startTls();
      await write(hello);
      if (await readReply(wire) === null) return;
    }
    for (const mail of options.mails) {
      const told: ToldMail = {
        mail,
        by: options.lmtp === true ? "lmtp" : "smtp",
        told: "nothing",
        fetched: null,
        reply: "",
      };
      book.push(told);
      if (!await sendMail(wire, write, told, options)) return;
    }
    await write(encodeUtf8("QUIT\r\n"));
    await readReply(wire);
  });
}

const ENVELOPE = [
  "MAIL FROM:<anna@company.example>",
  "RCPT TO:<bert@other.example>",
  "RCPT TO:<unknown@other.example>",
  "RCPT TO:<carla@company.example>",
];

/** False where the connection is over. */
async function sendMail(
  wire: Wire,
  write: (bytes: Uint8Array) => Promise<unknown>,
  told: ToldMail,
  options: SendOptions,
): Promise<boolean> {
  let accepted = 0;
  const hear = async (line: string) => {
    const reply = await readReply(wire);
    if (line.startsWith("RCPT") && reply?.startsWith("2")) accepted++;
    return reply;
  };
  const lines = [...ENVELOPE, "DATA"];
  if (options.pipelined === true) await write(encodeUtf8(lines.map((line) => `${line}\r\n`).join("")));
  let reply: string | null = null;
  for (const line of lines) {
    if (options.pipelined !== true) await write(encodeUtf8(`${line}\r\n`));
    reply = await hear(line);
    if (reply === null) return false;
  }
  if (reply?.startsWith("354") !== true) return decide(told, reply ?? "");
  await write(stuff(told.mail.content));
  const answers: string[] = [];
  for (let left = options.lmtp === true ? accepted : 1; left > 0; left--) {
    const answer = await readReply(wire);
    if (answer === null) break;
    answers.push(answer);
  }
  const best = answers.find((answer) => answer.startsWith("2")) ?? answers[0];
  return best === undefined ? false : decide(told, best);
}

function decide(told: ToldMail, reply: string): boolean {
  told.told = reply.startsWith("2") ? "accepted" : "refused";
  told.reply = reply;
  return !reply.startsWith("421");
}

/** The last line of a reply; null where the connection ended before. */
async function readReply(wire: Wire): Promise<string | null> {
  for (let line = await wire.readLine(); line !== null; line = await wire.readLine()) {
    if (line[3] !== "-") return line;
  }
  return null;
}

/** Fetches all mails of a mailbox and deletes each that came to its end. `known` are the mails by their UIDL. */
export async function fetchMails(
  port: number,
  known: ReadonlyMap<string, LoadMail>,
  book: ToldMail[],
  user = "carla",
  options: FetchOptions = {},
): Promise<void> {
  await connected(port, options, async (wire, connection) => {
    const ask = async (line: string) => {
      await wire.writeLines(line);
      return await wire.readLine();
    };
    await wire.readLine();
    if (options.tls === "starttls") {
      if ((await ask("STLS"))?.startsWith("+OK") !== true) return;
      await connection.startTls();
    }
    if (options.pipelined === true && ((await ask("CAPA")) === null || await wire.readBlock() === null)) return;
    for (const line of [`USER ${user}`, "PASS secret", "UIDL"]) {
      if ((await ask(line))?.startsWith("+OK") !== true) return;
    }
    const uids: string[] = [];
    for (let line = await wire.readLine(); line !== "."; line = await wire.readLine()) {
      if (line === null) return;
      uids.push(line);
    }
    const atOnce = options.pipelined === true ? PIPELINED_MAILS : 1;
    for (let start = 0; start < uids.length; start += atOnce) {
      if (!await fetchSome(wire, uids.slice(start, start + atOnce), known, book)) return;
    }
    await ask("QUIT");
  });
}

/** Asks for mails at once, and deletes each that came to its end; false where the connection broke. */
async function fetchSome(
  wire: Wire,
  listed: readonly string[],
  known: ReadonlyMap<string, LoadMail>,
  book: ToldMail[],
): Promise<boolean> {
  const asked = listed.map((line) => {
    const [number = "", uid = ""] = line.split(" ");
    const mail = known.get(uid);
    if (mail === undefined) throw new Error(`the mailbox has ${uid}, which nobody put there`);
    const told: ToldMail = { mail, by: "pop3", told: "nothing", fetched: null, reply: "" };
    book.push(told);
    return { number, told };
  });
  await wire.writeLines(...asked.map(({ number }) => `RETR ${number}`));
  for (const { told } of asked) {
    const status = await wire.readLine();
    if (status === null) return false;
    told.reply = status;
    if (!status.startsWith("+OK")) {
      told.told = "refused";
      continue;
    }
    const content = await wire.readBlock();
    if (content === null) return false;
    told.fetched = content;
    told.told = "accepted";
  }
  for (const { number, told } of asked) {
    if (told.told !== "accepted") continue;
    await wire.writeLines(`DELE ${number}`);
    if (await wire.readLine() === null) return false;
  }
  return true;
}

/** Runs a dialog over a connection; that it breaks is part of the game. */
async function connected(
  port: number,
  options: ConnectOptions,
  dialog: (wire: Wire, connection: PeerConnection) => Promise<void>,
): Promise<void> {
  let tcp: Deno.TcpConn;
  try {
    tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch {
    return;
  }
  let connection: PeerConnection | undefined;
  try {
    connection = new PeerConnection(tcp, options.limitMs ?? null);
    if (options.tls === "implicit") await connection.startTls();
    await dialog(new Wire(connection), connection);
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
  } finally {
    connection?.close();
  }
}
