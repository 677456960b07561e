import { assertEquals } from "@std/assert";
import { harmless } from "../../../src/cli/harmless.ts";
import { queryText } from "../../../src/cli/query_operands.ts";

Deno.test("harmless() keeps lines and letters, and takes what drives a terminal", () => {
  assertEquals(harmless("Grüße\r\n请\tx\ry\n"), "Grüße\n请    x\ny\n");
  assertEquals(harmless("\u001b[2J\u0007\u009b1m\u202e\u0000"), "\ufffd[2J\ufffd\ufffd1m\ufffd\ufffd");
});

Deno.test("queryText() takes several words in one operand for a phrase, and leaves the rest alone", () => {
  const cases: readonly (readonly [operands: string[], text: string])[] = [
    [["from:anna", "invoice", "-draft"], "from:anna invoice -draft"],
    [["a phrase"], '"a phrase"'],
    [["-a phrase", "x"], '-"a phrase" x'],
    [['"a phrase" -not'], '"a phrase" -not'],
    [["from:anna invoice"], "from:anna invoice"],
    [["(a OR b)"], "(a OR b)"],
  ];
  for (const [operands, text] of cases) assertEquals(queryText(operands), text);
});
