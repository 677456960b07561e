import { join } from "@std/path";
import type { TlsMode } from "../../src/net/types.ts";

/** What came of one client and one server: pairs of TLS modes that were run, listener first. */
export type Outcomes = Map<string, Map<string, string[]>>;

const LETTERS: Readonly<Record<TlsMode, string>> = { none: "c", starttls: "s", implicit: "i" };

const DOCUMENT = join(import.meta.dirname ?? ".", "../../docs/interop.md");

/** Each mode of the listener with another one of the target, as far as the target has one. */
export function pairsOfModes(
  client: readonly TlsMode[],
  targetHasTls: boolean,
): { readonly listenTls: TlsMode; readonly targetTls: TlsMode }[] {
  const other: Readonly<Record<TlsMode, TlsMode>> = { none: "starttls", starttls: "implicit", implicit: "none" };
  return client.map((listenTls) => ({ listenTls, targetTls: targetHasTls ? other[listenTls] : "none" }));
}

/** Notes that a pair went well. */
export function note(outcomes: Outcomes, client: string, server: string, listenTls: TlsMode, targetTls: TlsMode): void {
  const row = outcomes.get(client) ?? new Map<string, string[]>();
  outcomes.set(client, row);
  row.set(server, [...row.get(server) ?? [], `${LETTERS[listenTls]}→${LETTERS[targetTls]}`]);
}

/** The table of a section of docs/interop.md. */
export function tableOf(outcomes: Outcomes, servers: readonly string[]): string {
  const rows = [
    ["client", ...servers],
    ...Array.from(outcomes, ([client, row]) => [
      client,
      ...servers.map((server) => row.get(server)?.join(" ") ?? "–"),
    ]),
  ];
  const widths = ["client", ...servers].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

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
