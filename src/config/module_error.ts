import { stripVTControlCharacters } from "node:util";
import { fromFileUrl } from "@std/path";
import { decodeUtf8 } from "../base/bytes.ts";

/** An error that came out of loading a module. */
export interface ModuleError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** What to tell a person: where and what, and what to do. */
export interface Explanation {
  readonly message: string;
  readonly hint: string;
}

/** A place in a file, counted from 1. */
interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Says in plain words what went wrong with a config module. Deno words one and the same error in three ways: as text
 * with the place at its end, as an error with a stack, and, in a compiled program, as the debug form of its parser's
 * diagnostic.
 */
export function explainModuleError(file: string, error: ModuleError): Explanation {
  const text = stripVTControlCharacters(error.message);
  return explainImport(file, text) ?? explainSyntax(file, text, error.name) ?? {
    message: `${placeText(placeIn(stripVTControlCharacters(error.stack)), file)}: ${error.name}: ${firstLine(text)}`,
    hint: "The config module failed while it ran.",
  };
}

function explainImport(file: string, text: string): Explanation | undefined {
  const missing = /^Module not found:? "?(file:[^"\s]+[^"\s.])/.exec(text)?.[1];
  if (missing !== undefined) {
    return {
      message: `${placeText(placeIn(text.replace(missing, "")), file)}: ${
        pathOfUrl(missing)
      } is imported, but isn't there.`,
      hint: "An import's path starts with ./ and ends with the file's extension: ./users.ts.",
    };
  }
  const unresolved =
    /^(?:Import |Relative import|Module not found|Could not find constraint|Could not resolve|JSR package|Unsupported scheme)/;
  if (!unresolved.test(text)) return undefined;
  return {
    message: `${placeText(placeIn(text), file)}: an import can't be resolved: ${firstLine(text)}`,
    hint: "A config can import files beside it (./users.ts) and node: modules, nothing from a registry or the web.",
  };
}

function explainSyntax(file: string, text: string, name: string): Explanation | undefined {
  const found = debugDiagnostic(text) ?? textDiagnostic(text, name);
  if (found === undefined) return undefined;
  return {
    message: `${placeText(found.place, file)}: syntax error: ${withoutLiterals(found.problem)}`,
    hint: "Look at this line and at the end of the one before it.",
  };
}

/** What the parser found may be a password: `string literal (secret, "secret")`. */
function withoutLiterals(problem: string): string {
  return problem.replaceAll(/\b(string|numeric) literal \(.*\)/g, "a $1");
}

interface Diagnostic {
  readonly place: Place | undefined;
  readonly problem: string;
}

/** `SyntaxError: Expected ',', got ';'\n … at file:///etc/proxy.config.ts:6:3`, or V8's with `name` "SyntaxError". */
function textDiagnostic(text: string, name: string): Diagnostic | undefined {
  if (!text.startsWith("SyntaxError: ") && name !== "SyntaxError") return undefined;
  return {
    place: placeIn(text),
    problem: firstLine(text).replace(/^SyntaxError: /, "").replace(/ at file:\/\/\S+$/, ""),
  };
}

/**
 * `… ParseDiagnosticInner { specifier: Url { … path: "/etc/proxy.config.ts" … }, range: SourceRange { start:
 * SourcePos(61) … }, kind: Expected(",", "proxies"), source: … `.
 */
function debugDiagnostic(text: string): Diagnostic | undefined {
  const form =
    /ParseDiagnosticInner \{.*? path: "((?:[^"\\]|\\.)*)".*?SourcePos\((\d+)\).*? kind: (.*?), source: SourceTextInfo/s;
  const [, path, offset, kind] = form.exec(text) ?? [];
  if (path === undefined || kind === undefined) return undefined;
  return { place: placeAtByte(pathOfUrl(`file://${path}`), Number(offset)), problem: kindWords(kind) };
}

/** Words for what typing errors lead to; the parser's own name for the rest. */
const KINDS: Readonly<Record<string, string>> = {
  ExpectedSemiForExprStmt: "this isn't the start of a statement",
  TS1005: "a comma, colon or bracket is missing",
  TS1085: "numbers don't begin with 0",
  TS1109: "a value is missing",
  UnterminatedStrLit: "a string isn't closed",
  UnterminatedTpl: "a string in backticks isn't closed",
  UnexpectedChar: "this character isn't allowed here; is the file UTF-8?",
};

function kindWords(kind: string): string {
  const [, expected, instead] = /^Expected\("(.*)", "(.*)"\)$/.exec(kind) ?? [];
  if (instead !== undefined) return `expected '${expected}', found '${instead}'`;
  const [, got, wanted] = /^Unexpected \{ got: "(.*)", expected: "(.*)" \}$/.exec(kind) ?? [];
  if (wanted !== undefined) return `expected ${wanted}, found ${got}`.replaceAll('\\"', '"');
  return KINDS[/^\w+/.exec(kind)?.[0] ?? ""] ?? kind;
}

function placeIn(text: string): Place | undefined {
  const [, url, line, column] = /(file:\/\/\/[^\s?]+?)(?:\?[^\s:]*)?:(\d+):(\d+)/.exec(text) ?? [];
  return url === undefined ? undefined : { file: pathOfUrl(url), line: Number(line), column: Number(column) };
}

function placeAtByte(file: string, offset: number): Place | undefined {
  try {
    const before = decodeUtf8(Deno.readFileSync(file).subarray(0, offset)).split("\n");
    return { file, line: before.length, column: [...before.at(-1) ?? ""].length + 1 };
  } catch {
    return undefined; // gone by now; the message does without the place
  }
}

function placeText(place: Place | undefined, file: string): string {
  return place === undefined ? file : `${place.file}, line ${place.line}, column ${place.column}`;
}

function pathOfUrl(url: string): string {
  try {
    return fromFileUrl(url);
  } catch {
    return url;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
