/** An SMTP proxy whose copies go nowhere: `proxy_without_copy.ts PORT TARGET_PORT`. */

import type { Capture, DropWriter } from "../src/drop/types.ts";
import { startBenchProxy } from "./bench_proxy.ts";

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

await startBenchProxy(port, targetPort, drop);
