import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { explainModuleError } from "../../../src/config/module_error.ts";
import { withFolder } from "./folder.ts";

/** The debug form in which a compiled program words a syntax error. */
function debugForm(file: string, offset: number, kind: string): string {
  return 'JsErrorBox { inner: ParseDiagnostic(ParseDiagnosticInner { specifier: Url { scheme: "file", ' +
    `cannot_be_a_base: false, host: None, port: None, path: "${file}", query: None, fragment: None }, range: SourceRange ` +
    `{ start: SourcePos(${offset}), end: SourcePos(${
      offset + 1
    }) }, kind: ${kind}, source: SourceTextInfo { start_pos: ` +
    `StartSourcePos(0), text: "password: \\"hunter2\\"" } }) }`;
}

const SOURCE = `// ü\nexport default {\n  "ä": 1\n  b: 2\n};\n`;

Deno.test("explainModuleError() understands what a compiled program says of a syntax error", async () => {
  await withFolder({ "a.ts": SOURCE }, (folder) => {
    const file = join(folder, "a.ts");
    const offset = new TextEncoder().encode(SOURCE.slice(0, SOURCE.indexOf("b: 2"))).length;
    const kinds: readonly (readonly [kind: string, words: string])[] = [
      [`Expected(",", "b")`, "expected ',', found 'b'"],
      [`Unexpected { got: "<eof>", expected: "identifier" }`, "expected identifier, found <eof>"],
      [
        `Unexpected { got: "string literal (\\"x)y\\", \\"x)y\\")", expected: "identifier" }`,
        "expected identifier, found a string",
      ],
      ["TS1109", "a value is missing"],
      ["UnterminatedTpl", "a string in backticks isn't closed"],
      ["ExpectedSemiForExprStmt { expr: 1..7 }", "this isn't the start of a statement"],
      ["TS9999", "TS9999"],
    ];
    for (const [kind, words] of kinds) {
      const error = { name: "TypeError", message: debugForm(file, offset, kind), stack: "" };
      assertEquals(explainModuleError("other.ts", error).message, `${file}, line 4, column 3: syntax error: ${words}`);
    }
    return Promise.resolve();
  });
});

Deno.test("explainModuleError() understands the other words of a compiled program", () => {
  const said = (message: string, name = "TypeError", stack = "") =>
    explainModuleError("/etc/a.ts", { name, message, stack }).message;
  assertEquals(said("Module not found: file:///etc/b.ts"), "/etc/a.ts: /etc/b.ts is imported, but isn't there.");
  assertEquals(
    said("Could not find constraint 'valibot' in the list of packages."),
    "/etc/a.ts: an import can't be resolved: Could not find constraint 'valibot' in the list of packages.",
  );
  assertEquals(
    said("The requested module './b.ts' does not provide an export named 'q' at file:///etc/a.ts:1:10", "SyntaxError"),
    "/etc/a.ts, line 1, column 10: syntax error: The requested module './b.ts' does not provide an export named 'q'",
  );
  assertEquals(
    said("no way", "RangeError", "RangeError: no way\n    at file:///etc/c.ts?read=1:2:7"),
    "/etc/c.ts, line 2, column 7: RangeError: no way",
  );
  assertEquals(
    said("no way", "RangeError", "RangeError: no way\n    at async data:text/javascript,x:1:2"),
    "/etc/a.ts: RangeError: no way",
  );
});

Deno.test("explainModuleError() does without a place where the file is gone", () => {
  const error = { name: "TypeError", message: debugForm("/no/such/file.ts", 3, "TS1109"), stack: "" };
  assertEquals(explainModuleError("/etc/a.ts", error).message, "/etc/a.ts: syntax error: a value is missing");
});
