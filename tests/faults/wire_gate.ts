import { acceptEach } from "../peers/accept_each.ts";
import type { Fate } from "./fate.ts";

/** A TCP relay on loopback whose every piece is a step of a fate: what passes sockets of a program that may die. */
export interface WireGate {
  readonly port: number;
  /** Cuts all connections and stops listening; resolves when all is over. */
  close(): Promise<void>;
}

export interface GateOptions {
  /** Where connections are passed on to. */
  readonly to: () => number;
  readonly fate: Fate;
  /** Told in steps' names. */
  readonly name: string;
  /** Changes what comes from those who connect. @default nothing */
  readonly rewrite?: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/** At the program's death each gate cuts its connections; a piece under way arrives in part, or not at all. */
export function openWireGate(options: GateOptions): WireGate {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const cut = () => {
    for (const connection of open) connection.close();
    open.clear();
  };
  options.fate.onDeath(cut);
  const accepting = acceptEach(listener, (incoming) => {
    open.add(incoming);
    return passOn(incoming, open, options);
  });
  let closing: Promise<void> | undefined;
  return { port: listener.addr.port, close: () => closing ??= accepting.close(cut) };
}

async function passOn(incoming: Deno.TcpConn, open: Set<Deno.Conn>, options: GateOptions): Promise<void> {
  const { fate, name, to, rewrite = (piece) => piece } = options;
  const end = (connection: Deno.Conn) => {
    if (open.delete(connection)) connection.close();
  };
  if (fate.dead) return end(incoming);
  let outgoing: Deno.TcpConn;
  try {
    outgoing = await Deno.connect({ hostname: "127.0.0.1", port: to() });
  } catch {
    return end(incoming);
  }
  open.add(outgoing);
  if (fate.dead || !open.has(incoming)) {
    end(incoming);
    return end(outgoing);
  }
  incoming.setNoDelay();
  outgoing.setNoDelay();
  await Promise.all([
    pump(incoming, outgoing, fate, `${name} →`, rewrite),
    pump(outgoing, incoming, fate, `${name} ←`, (piece) => piece),
  ]);
  end(incoming);
  end(outgoing);
}

async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  fate: Fate,
  name: string,
  rewrite: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) break;
      const piece = rewrite(buffer.slice(0, count));
      if (fate.step(`${name} ${piece.length}`) === "whole") {
        await writeWhole(to, piece);
        continue;
      }
      // The program has written it, and died; what of it arrives is chance.
      await writeWhole(to, piece.subarray(0, Math.floor(fate.random() * (piece.length + 1)))).catch(() => {});
      fate.bury();
      return;
    }
    if (!fate.dead) await to.closeWrite();
  } catch {
    return; // one side broke off, or the program died
  }
}

async function writeWhole(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}
