/**
 * Wire dialogs as text. A file holds dialogs, each begun by `## title`, then `key: value` options, an empty line, and
 * steps, one a line; `#` begins a comment.
 *
 *     C: line         the client sends a line          S: line    the client must receive a line from the proxy
 *     T> line         the target sends a line          T< line    the target must receive a line from the proxy
 *     C<< T>>         the same without CRLF            S<< T<<    the same without CRLF
 *     C-tls, T-tls    a TLS handshake: the client with the proxy, the proxy with the target
 *     C-tls-fails, T-tls-fails    the handshake must fail, or the proxy close right after it
 *     C-close, T-close, C-shut, T-shut    close; end only the sending
 *     C-reset, T-reset    the proxy's connection is reset (RST, not FIN)
 *     C-end, T-end    the proxy must have closed its connection to the client, to the target
 *     T-cut           the proxy must have closed its connection, without CRLF . CRLF in what came before
 *     T-connect       the proxy must connect to the target (implied before the first T step)
 *     T-silent, C-silent    nothing arrives there now
 *     advance: 300s   time passes (s, ms)
 *     drop: begin io | write disk-full | seal io | commit io | ok    from now on the copy fails so, or doesn't
 *     seal: hold | release    sealing takes until released
 *     drain | stop    the proxy is told to finish, or to stop at once
 *     capture: accepted key=value …   one more capture has become visible, with these facts
 *     M: line, M<<    its mail, line by line
 *     no capture      no more captures than were named are visible
 *
 * Lines of one kind that follow each other are sent as one. `\r \n \t \0 \\ \xNN` are escapes, `\u{…}` is UTF-8; `…` at
 * the end of a received line stands for anything. `%define name` … `%end` names steps, `%name` inserts them; those of
 * `macros.txt` in the same folder are there for all its files.
 */

import { concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";

export interface Dialog {
  readonly title: string;
  readonly options: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
}

/** `where` is file and line, for messages. */
export type Step =
  | { readonly kind: "send"; readonly by: Peer; readonly bytes: Uint8Array<ArrayBuffer>; readonly where: string }
  | { readonly kind: "receive"; readonly by: Peer; readonly expected: Expectation; readonly where: string }
  | { readonly kind: "peer"; readonly by: Peer; readonly action: PeerAction; readonly where: string }
  | { readonly kind: "reset"; readonly by: Peer; readonly where: string }
  | { readonly kind: "advance"; readonly ms: number; readonly where: string }
  | { readonly kind: "drop"; readonly at: string; readonly failure: string; readonly where: string }
  | { readonly kind: "seal"; readonly action: "hold" | "release"; readonly where: string }
  | { readonly kind: "proxy"; readonly action: "drain" | "stop"; readonly where: string }
  | { readonly kind: "capture"; readonly facts: ReadonlyMap<string, string>; readonly where: string }
  | { readonly kind: "mail"; readonly bytes: Uint8Array<ArrayBuffer>; readonly where: string }
  | { readonly kind: "no-capture"; readonly where: string };

export type Peer = "client" | "target";
export type PeerAction = "connect" | "tls" | "tls-fails" | "close" | "shut" | "end" | "cut" | "silent";

export interface Expectation {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Anything may follow in the line. */
  readonly open: boolean;
}

/** Lines with where they stand. */
export interface SourceLine {
  readonly text: string;
  readonly where: string;
}

export type Macros = Map<string, readonly SourceLine[]>;

/** Reads a file of dialogs. Throws SyntaxError that names the line. `macros` gets those of this file, too. */
export function parseDialogs(file: string, text: string, macros: Macros = new Map()): Dialog[] {
  const lines = text.split("\n").map((line, index) => ({ text: line.trimEnd(), where: `${file}:${index + 1}` }));
  const dialogs: Dialog[] = [];
  let open: { title: string; options: Map<string, string>; steps: Step[]; inOptions: boolean } | null = null;
  for (const line of expand(lines, macros)) {
    if (line.text.startsWith("## ")) {
      open = { title: line.text.slice(3), options: new Map(), steps: [], inOptions: true };
      dialogs.push(open);
    } else if (line.text === "") {
      if (open !== null) open.inOptions = false;
    } else if (!line.text.startsWith("#")) {
      if (open === null) throw new SyntaxError(`${line.where}: a step outside of a dialog`);
      if (open.inOptions) open.options.set(...optionOf(line));
      else addStep(open.steps, parseStep(line));
    }
  }
  return dialogs;
}

/** Takes definitions out into `macros` and puts them in where they are named. */
function expand(lines: readonly SourceLine[], macros: Macros): SourceLine[] {
  const expanded: SourceLine[] = [];
  let defining: { name: string; lines: SourceLine[] } | null = null;
  for (const line of lines) {
    const [, word] = /^%(\S.*)$/.exec(line.text) ?? [];
    if (word?.startsWith("define ")) {
      defining = { name: word.slice("define ".length), lines: [] };
    } else if (word === "end" && defining !== null) {
      macros.set(defining.name, expand(defining.lines, macros));
      defining = null;
    } else if (defining !== null) {
      defining.lines.push(line);
    } else if (word !== undefined) {
      const inserted = macros.get(word);
      if (inserted === undefined) throw new SyntaxError(`${line.where}: no %define of ${word}`);
      expanded.push(...inserted.map(({ text, where }) => ({ text, where: `${line.where} (${where})` })));
    } else {
      expanded.push(line);
    }
  }
  return expanded;
}

function optionOf({ text, where }: SourceLine): [string, string] {
  const [, key, value] = /^([\w.]+):\s*(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new SyntaxError(`${where}: not an option: ${text}`);
  return [key, value];
}

const PEER_ACTION = /^([CT])-(connect|tls-fails|tls|close|shut|end|cut|silent)$/;
const WIRE_STEP = /^(C:|C<<|S:|S<<|T>>|T<<|T>|T<|M:|M<<) ?(.*)$/;

function parseStep(line: SourceLine): Step {
  const { text, where } = line;
  const [, peer, action] = PEER_ACTION.exec(text) ?? [];
  if (peer !== undefined && isPeerAction(action)) {
    return { kind: "peer", by: peer === "C" ? "client" : "target", action, where };
  }
  if (text === "C-reset" || text === "T-reset") {
    return { kind: "reset", by: text === "C-reset" ? "client" : "target", where };
  }
  const [, kind, rest] = WIRE_STEP.exec(text) ?? [];
  if (kind !== undefined && rest !== undefined) return wireStep(kind, rest, where);
  const [, key, value] = /^(advance|drop|seal|capture):\s*(.*)$/.exec(text) ?? [];
  switch (key) {
    case "advance":
      return { kind: "advance", ms: milliseconds(value ?? "", where), where };
    case "drop": {
      const [at = "", failure = ""] = (value ?? "").split(" ");
      return { kind: "drop", at, failure, where };
    }
    case "seal":
      return { kind: "seal", action: value === "hold" ? "hold" : "release", where };
    case "capture":
      return { kind: "capture", facts: factsOf(value ?? ""), where };
  }
  if (text === "no capture") return { kind: "no-capture", where };
  if (text === "drain" || text === "stop") return { kind: "proxy", action: text, where };
  throw new SyntaxError(`${where}: not a step: ${text}`);
}

function isPeerAction(word: string | undefined): word is PeerAction {
  return ["connect", "tls", "tls-fails", "close", "shut", "end", "cut", "silent"].some((action) => action === word);
}

function wireStep(kind: string, rest: string, where: string): Step {
  const raw = kind.endsWith("<<") || kind.endsWith(">>");
  const open = !raw && rest.endsWith("…");
  const bytes = concatBytes([unescape(open ? rest.slice(0, -1) : rest), raw || open ? new Uint8Array(0) : CRLF]);
  if (kind.startsWith("M")) return { kind: "mail", bytes, where };
  if (kind === "C:" || kind === "C<<") return { kind: "send", by: "client", bytes, where };
  if (kind === "T>" || kind === "T>>") return { kind: "send", by: "target", bytes, where };
  return { kind: "receive", by: kind.startsWith("S") ? "client" : "target", expected: { bytes, open }, where };
}

const CRLF = encodeUtf8("\r\n");
const ESCAPES: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, 0: 0, "\\": 92 };

function unescape(text: string): Uint8Array<ArrayBuffer> {
  const parts = text.split(/(\\x[0-9a-fA-F]{2}|\\[rnt0\\])/);
  return concatBytes(parts.map((part, index) => {
    if (index % 2 === 0) return encodeUtf8(part);
    const code = part.startsWith("\\x") ? Number.parseInt(part.slice(2), 16) : ESCAPES[part.slice(1)];
    return Uint8Array.of(code ?? 0);
  }));
}

/** Adds a step; what a peer sends or a mail holds goes on in one piece. */
function addStep(steps: Step[], step: Step): void {
  const last = steps.at(-1);
  const joined = last?.kind === "send" && step.kind === "send" && last.by === step.by
    ? { ...last, bytes: concatBytes([last.bytes, step.bytes]) }
    : last?.kind === "mail" && step.kind === "mail"
    ? { ...last, bytes: concatBytes([last.bytes, step.bytes]) }
    : null;
  if (joined === null) steps.push(step);
  else steps[steps.length - 1] = joined;
}

function milliseconds(text: string, where: string): number {
  const [, digits, unit] = /^(\d+)(ms|s)$/.exec(text) ?? [];
  if (digits === undefined) throw new SyntaxError(`${where}: not a time: ${text}`);
  return Number(digits) * (unit === "s" ? 1000 : 1);
}

/** `accepted from=<a> to=<b>,<c> reply="250 2.0.0 Ok"` as a map; the first word is "outcome". */
function factsOf(text: string): Map<string, string> {
  const [outcome = "", ...facts] = text.match(/[^\s=]+=(?:"[^"]*"|'[^']*')|\S+/g) ?? [];
  return new Map([
    ["outcome", outcome],
    ...facts.map((fact): [string, string] => {
      const equals = fact.indexOf("=");
      return [fact.slice(0, equals), fact.slice(equals + 1).replace(/^(["'])(.*)\1$/, "$2")];
    }),
  ]);
}
