import { join } from "@std/path";
import { whenListening } from "./listening.ts";
import { freePorts, startProgram } from "./program.ts";

/** How HAProxy tells a server who the client is. */
export type SendProxy = "send-proxy" | "send-proxy-v2" | "send-proxy-v2-ssl-cn";

/** An HAProxy that passes TCP connections on, with a PROXY header. */
export interface HaProxy {
  /** The port that passes on to `ports[i]`, for each way to tell. */
  port(way: SendProxy, index: number): number;
  stop(): Promise<unknown>;
}

export const SEND_PROXY_WAYS: readonly SendProxy[] = ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"];

/** Starts HAProxy in the foreground, with its config in `folder`, before these ports of this machine. */
export async function startHaProxy(folder: string, ports: readonly number[]): Promise<HaProxy> {
  const routes = SEND_PROXY_WAYS.flatMap((way) => ports.map((target, index) => ({ way, target, index })));
  const own = freePorts(routes.length);
  const sections = routes.map(({ way, target, index }, at) =>
    [
      `listen ${way}-${index}`,
      `  bind 127.0.0.1:${own[at]}`,
      `  server s 127.0.0.1:${target} ${way} check check-send-proxy inter 100`,
    ].join("\n")
  );
  const config = join(folder, "haproxy.cfg");
  const defaults = "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s";
  await Deno.writeTextFile(config, [defaults, ...sections, ""].join("\n"));
  const program = startProgram("haproxy", { args: ["-f", config, "-db"] });
  await whenListening(program, own, () => program.stop());
  return {
    port: (way, index) => own[routes.findIndex((route) => route.way === way && route.index === index)] ?? 0,
    stop: () => program.stop("SIGKILL"),
  };
}
