import { Wire } from "./wire.ts";

/** A mail as POP3 gave it. */
export interface FetchedMail {
  readonly uidl: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

export interface FetchOptions {
  readonly username: string;
  readonly password: string;
  /** Delete each mail after it was fetched. @default false */
  readonly delete?: boolean;
}

/**
 * Fetches all mails of an account in one POP3 session with a port of this machine. Gives each mail once it has come
 * whole; throws where the server refuses something or closes the connection.
 */
export async function* fetchMails(port: number, options: FetchOptions): AsyncGenerator<FetchedMail> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    connection.setNoDelay();
    const wire = new Wire(connection);
    await readStatus(wire, "the greeting");
    await ask(wire, `USER ${options.username}`);
    await ask(wire, `PASS ${options.password}`, "PASS");
    await ask(wire, "UIDL");
    const uidls = new TextDecoder().decode(await readBlock(wire)).split("\r\n").filter((line) => line !== "");
    for (const line of uidls) {
      const [number = "", uidl = ""] = line.split(" ");
      await ask(wire, `RETR ${number}`);
      yield { uidl, content: await readBlock(wire) };
      if (options.delete === true) await ask(wire, `DELE ${number}`);
    }
    await ask(wire, "QUIT");
  } finally {
    connection.close();
  }
}

async function ask(wire: Wire, command: string, shown = command): Promise<void> {
  await wire.writeLines(command);
  await readStatus(wire, shown);
}

async function readStatus(wire: Wire, command: string): Promise<void> {
  const line = await wire.readLine();
  if (line === null || !line.startsWith("+OK")) {
    throw new Error(`The server answers ${command} with: ${line ?? "(end of connection)"}`);
  }
}

async function readBlock(wire: Wire): Promise<Uint8Array<ArrayBuffer>> {
  const block = await wire.readBlock();
  if (block === null) throw new Error("The server closed the connection in the middle of an answer.");
  return block;
}
