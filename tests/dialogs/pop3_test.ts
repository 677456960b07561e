import { roomLogger } from "../../src/base/log.ts";
import { Counters } from "../../src/pop3/counters.ts";
import { resolvePop3Options } from "../../src/pop3/options.ts";
import { ProxySession } from "../../src/pop3/proxy_session.ts";
import { checkOptions, dialInTimeOf, hostSessions, listenOptions, numbersOf, targetOptions } from "./hosting.ts";
import type { KeptCapture } from "./memory_drop.ts";
import { type DialogProxy, type DialogSetup, registerDialogs } from "./runner.ts";

registerDialogs({
  folder: new URL("pop3/", import.meta.url),
  startProxy,
  factsOf,
  farewell: "",
});

const KNOWN_OPTIONS = new Set([
  "listen.tls",
  "target",
  "target.tls",
  "target.trust",
  "announceClient",
  "onCaptureFailure",
  "requireTlsForAuth",
  "wholeMailTopLines",
  "maxLineBytes",
  "maxErrors",
  "segmentation",
]);

function startProxy(setup: DialogSetup): Promise<DialogProxy> {
  const { options, drop, clock } = setup;
  checkOptions(setup, KNOWN_OPTIONS);
  const listen = listenOptions(setup);
  const settings = resolvePop3Options({
    name: "test",
    listen: [listen],
    target: targetOptions(setup),
    announceClient: options.get("announceClient") === "proxy" ? "proxy" : null,
    onCaptureFailure: options.get("onCaptureFailure") === "pass" ? "pass" : "refuse",
    requireTlsForAuth: options.get("requireTlsForAuth") === "true",
    ...numbersOf(setup, ["wholeMailTopLines"]),
    limits: numbersOf(setup, ["maxLineBytes", "maxErrors"]),
    timeouts: { greetingMs: 300_000, commandMs: 1_800_000, replyMs: 300_000, dataBlockMs: 180_000 },
  });
  const counters = new Counters();
  const proxy = hostSessions(setup, listen, {
    counters,
    open: (connection) =>
      new ProxySession({
        id: "1",
        connection,
        listen,
        settings,
        dial: dialInTimeOf(setup),
        drop,
        seen: null,
        clock,
        log: roomLogger("pop3"),
        counters,
      }),
  });
  return Promise.resolve(proxy);
}

function factsOf({ start, settlement, mail }: KeptCapture): Record<string, string> {
  const { proxy, client, target, pop3 } = start;
  return {
    outcome: settlement.outcome,
    kind: proxy.kind,
    user: pop3?.user ?? "-",
    uidl: pop3?.uidl ?? "-",
    number: String(pop3?.messageNumber),
    auth: client.authenticatedAs ?? "-",
    client: client.address,
    tls: client.tls === null ? "no" : "yes",
    target: target.address,
    targetTls: target.tls === null ? "no" : "yes",
    size: String(mail.length),
  };
}
