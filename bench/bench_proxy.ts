/** An SMTP proxy in the bench's own process, for what no config can say. */

import { systemClock } from "../src/base/clock.ts";
import { roomLogger } from "../src/base/log.ts";
import type { DropWriter } from "../src/drop/types.ts";
import { type SmtpProxy, startSmtpProxy } from "../src/smtp/proxy.ts";

/** Starts one that relays from `port` to `targetPort`, both on this machine, and writes its copies by `drop`. */
export function startBenchProxy(port: number, targetPort: number, drop: DropWriter): Promise<SmtpProxy> {
  return startSmtpProxy({
    name: "bench",
    listen: [{ address: "127.0.0.1", port, tls: "none" }],
    target: { host: "127.0.0.1", port: targetPort, tls: "none", trust: { kind: "system" }, connectTimeoutMs: 10_000 },
    limits: { maxConnections: 20_000, maxConnectionsPerAddress: 20_000 },
  }, { drop, clock: systemClock, log: roomLogger("smtp") });
}
