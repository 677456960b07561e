import { assertEquals } from "@std/assert";
import { errorText, hasCode, MailteeError } from "../../../src/base/errors.ts";

Deno.test("MailteeError carries a code, a hint and a cause", () => {
  const cause = new Error("below");
  const error = new MailteeError("io", "what happened", { cause, hint: "what to do" });
  assertEquals([error.name, error.code, error.message, error.hint, error.cause], [
    "MailteeError",
    "io",
    "what happened",
    "what to do",
    cause,
  ]);
  assertEquals("cause" in new MailteeError("io", "alone"), false);
});

Deno.test("hasCode() tells expected failures by their codes", () => {
  const error = new MailteeError("busy", "held");
  assertEquals(hasCode(error, "io", "busy"), true);
  assertEquals(hasCode(error, "io"), false);
  assertEquals(hasCode(Object.assign(new Error(), { code: "busy" }), "busy"), false);
});

Deno.test("errorText() is one line, whatever was thrown", () => {
  assertEquals(errorText(new Error("a\r\n  b\nc")), "a b c");
  assertEquals(errorText(new TypeError("")), "TypeError");
  assertEquals([errorText("text"), errorText(undefined), errorText(7)], ["text", "undefined", "7"]);
});
