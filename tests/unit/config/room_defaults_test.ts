import { assert, assertEquals } from "@std/assert";
import { defaultPop3Limits, defaultPop3Timeouts, resolvePop3Options } from "../../../src/pop3/options.ts";
import { defaultSmtpLimits, defaultSmtpTimeouts } from "../../../src/smtp/options.ts";
import { loadFrom } from "./folder.ts";

Deno.test("the config's defaults are those of the rooms", async () => {
  const { proxies: [smtp, pop3] } = await loadFrom({
    "proxy.config.yaml": `
proxies:
  - { kind: smtp, listen: [{ address: "::1" }], target: { host: a.example } }
  - { kind: pop3, listen: [{ address: "::1" }], target: { host: a.example } }
`,
  });
  assert(smtp?.kind === "smtp" && pop3?.kind === "pop3");
  const { maxAuthLineBytes: _, ...smtpLimits } = defaultSmtpLimits;
  assertEquals(smtpLimits, {
    maxConnections: smtp.limits.connections,
    maxConnectionsPerAddress: smtp.limits.connectionsPerAddress,
    maxLineBytes: smtp.limits.lineBytes,
    maxRecipients: smtp.limits.recipients,
    maxMailBytes: smtp.limits.mailSize,
    maxErrors: smtp.limits.errors,
  });
  assertEquals(defaultSmtpTimeouts, {
    clientMs: smtp.timeouts.client * 1000,
    targetMs: smtp.timeouts.target * 1000,
    dataStartMs: smtp.timeouts.dataStart * 1000,
    dataMs: smtp.timeouts.data * 1000,
    dataEndMs: smtp.timeouts.dataEnd * 1000,
    drainMs: smtp.timeouts.refusedData * 1000,
  });
  assertEquals(defaultPop3Limits, {
    maxConnections: pop3.limits.connections,
    maxConnectionsPerAddress: pop3.limits.connectionsPerAddress,
    maxLineBytes: pop3.limits.lineBytes,
    maxErrors: pop3.limits.errors,
  });
  assertEquals(defaultPop3Timeouts, {
    greetingMs: pop3.timeouts.target * 1000,
    commandMs: pop3.timeouts.client * 1000,
    replyMs: pop3.timeouts.target * 1000,
    dataBlockMs: pop3.timeouts.data * 1000,
  });
  const target = { ...pop3.target, connectTimeoutMs: 1 };
  const { wholeMailTopLines, recapture } = resolvePop3Options({ name: "", listen: [], target, allowFrom: [] });
  assertEquals([pop3.wholeMailTopLines, pop3.recapture], [wholeMailTopLines, recapture]);
});
