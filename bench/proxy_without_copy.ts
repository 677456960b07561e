/** An SMTP proxy whose copies go nowhere: `proxy_without_copy.ts PORT TARGET_PORT`. */

import { systemClock } from "../src/base/clock.ts";
import { roomLogger } from "../src/base/log.ts";
import type { Capture, DropWriter } from "../src/drop/types.ts";
import { startSmtpProxy } from "../src/smtp/proxy.ts";

const [port = 0, targetPort = 0] = Deno.args.map(Number);

const nothing: Capture = {
  id: "none",
  size: 0,
  write() {},
  seal: () => Promise.resolve(),
  commit: () => Promise.resolve("nowhere"),
  abort() {},
};
const drop: DropWriter = { path: "nowhere", begin: () => nothing, close: () => Promise.resolve() };

await startSmtpProxy({
  name: "bench",
  listen: [{ address: "127.0.0.1", port, tls: "none" }],
  target: { host: "127.0.0.1", port: targetPort, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 10_000 },
  limits: { maxConnections: 20_000, maxConnectionsPerAddress: 20_000 },
}, { drop, clock: systemClock, log: roomLogger("smtp") });
