import { Wire } from "./wire.ts";

/** A mail to be sent, and its envelope. */
export interface Submission {
  readonly mailFrom: string;
  /** ESMTP parameters of MAIL FROM. */
  readonly params: readonly string[];
  readonly recipients: readonly string[];
  readonly content: Uint8Array;
}

/** What the server said to one submission. */
export interface SubmissionResult {
  /** True where the server took the mail, be it for some of the recipients only. */
  readonly accepted: boolean;
  /** The last reply: to the end of the mail, or to the command that ended the attempt. */
  readonly reply: string;
  readonly rejected: readonly { readonly address: string; readonly reply: string }[];
}

/**
 * Sends mails in one SMTP session to a port of this machine, reply by reply. Gives the result of each mail once the
 * server has said it; throws where the server closes the connection.
 */
export async function* submitMails(port: number, mails: Iterable<Submission>): AsyncGenerator<SubmissionResult> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    connection.setNoDelay();
    const wire = new Wire(connection);
    const greeting = await readReply(wire);
    if (!greeting.startsWith("2")) throw new Error(`The server on port ${port} greets with: ${greeting}`);
    const hello = await ask(wire, "EHLO client.company.example");
    if (!hello.startsWith("2")) throw new Error(`The server on port ${port} answers EHLO with: ${hello}`);
    for (const mail of mails) yield await submit(wire, mail);
    await ask(wire, "QUIT");
  } finally {
    connection.close();
  }
}

async function submit(wire: Wire, mail: Submission): Promise<SubmissionResult> {
  const rejected: { address: string; reply: string }[] = [];
  const sender = await ask(wire, [`MAIL FROM:<${mail.mailFrom}>`, ...mail.params].join(" "));
  if (!sender.startsWith("2")) return { accepted: false, reply: sender, rejected };
  for (const address of mail.recipients) {
    const reply = await ask(wire, `RCPT TO:<${address}>`);
    if (!reply.startsWith("2")) rejected.push({ address, reply });
  }
  const start = rejected.length < mail.recipients.length ? await ask(wire, "DATA") : rejected.at(-1)?.reply ?? "";
  if (!start.startsWith("3")) {
    await ask(wire, "RSET");
    return { accepted: false, reply: start, rejected };
  }
  await wire.writeBlock(mail.content);
  const reply = await readReply(wire);
  return { accepted: reply.startsWith("2"), reply, rejected };
}

async function ask(wire: Wire, command: string): Promise<string> {
  await wire.writeLines(command);
  return await readReply(wire);
}

/** A reply, its lines joined by "\n". */
async function readReply(wire: Wire): Promise<string> {
  const lines: string[] = [];
  for (;;) {
    const line = await wire.readLine();
    if (line === null) throw new Error("The server closed the connection where a reply was due.");
    lines.push(line);
    if (line[3] !== "-") return lines.join("\n");
  }
}
