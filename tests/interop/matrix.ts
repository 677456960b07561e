import { join } from "@std/path";
import type { TlsMode } from "../../src/net/types.ts";
import { type PortsByMode, TLS_MODES } from "./stage.ts";

/** TLS of the listener, and of the target. */
export interface Pairing {
  readonly listenTls: TlsMode;
  readonly targetTls: TlsMode;
}

/** Each mode of a client with each mode towards a server. */
export function pairingsOf(client: readonly TlsMode[], server: readonly TlsMode[]): Pairing[] {
  return client.flatMap((listenTls) => server.map((targetTls) => ({ listenTls, targetTls })));
}

/** A proxy before a server for each mode towards it, by that mode; `start` gets the mode and the server's port. */
export async function proxiesByTarget(
  server: { readonly port: number; readonly tlsPort: number },
  start: (targetTls: TlsMode, targetPort: number) => Promise<PortsByMode>,
): Promise<Readonly<Record<TlsMode, PortsByMode>>> {
  return {
    none: await start("none", server.port),
    starttls: await start("starttls", server.port),
    implicit: await start("implicit", server.tlsPort),
  };
}

/** Which pairings went well, by client and server. */
export class Outcomes {
  readonly #rows: Map<string, Map<string, Pairing[]>>;

  constructor(clients: readonly string[]) {
    this.#rows = new Map(clients.map((client) => [client, new Map()]));
  }

  /** Notes that a pairing went well. */
  note(client: string, server: string, pairing: Pairing): void {
    const row = this.#rows.get(client);
    if (row === undefined) throw new Error(`${client} isn't in the table`);
    row.set(server, [...row.get(server) ?? [], pairing]);
  }

  /** The table of a section of docs/interop.md. */
  table(servers: readonly string[]): string {
    const rows = [
      ["client", ...servers],
      ...Array.from(this.#rows, ([client, row]) => [client, ...servers.map((server) => cellOf(row.get(server) ?? []))]),
    ];
    const widths = ["client", ...servers].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
    const [head = [], ...body] = rows;
    return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
  }
}

const LETTERS: Readonly<Record<TlsMode, string>> = { none: "c", starttls: "s", implicit: "i" };

/** `csi→csi`: each mode of the listener with each of the target. Where some are missing, all that there are. */
function cellOf(pairings: readonly Pairing[]): string {
  if (pairings.length === 0) return "–";
  const modes = (pick: (pairing: Pairing) => TlsMode) => TLS_MODES.filter((mode) => pairings.map(pick).includes(mode));
  const [listen, target] = [modes(({ listenTls }) => listenTls), modes(({ targetTls }) => targetTls)];
  const letters = (each: readonly TlsMode[]) => each.map((mode) => LETTERS[mode]).join("");
  if (pairings.length === listen.length * target.length) return `${letters(listen)}→${letters(target)}`;
  return pairings.map(({ listenTls, targetTls }) => `${LETTERS[listenTls]}→${LETTERS[targetTls]}`).join(" ");
}

const DOCUMENT = join(import.meta.dirname ?? ".", "../../docs/interop.md");

/** The table under a heading of docs/interop.md; with MAILTEE_WRITE_DOCS it is written there first. */
export async function documentedTable(heading: string, made: string): Promise<string> {
  const text = await Deno.readTextFile(DOCUMENT);
  const section = new RegExp(`(## ${heading}\\n\\n)((?:\\|.*\\n)+)`);
  if (!section.test(text)) throw new Error(`docs/interop.md has no table under "${heading}"`);
  if (Deno.env.has("MAILTEE_WRITE_DOCS")) {
    await Deno.writeTextFile(DOCUMENT, text.replace(section, (_, before: string) => `${before}${made}\n`));
    return made;
  }
  return section.exec(text)?.[2]?.trimEnd() ?? "";
}
