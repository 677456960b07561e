import type { Clock } from "../base/clock.ts";
import { errorText } from "../base/errors.ts";
import { roomLogger } from "../base/log.ts";
import { formatAddress, socketAddress } from "./address.ts";

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;
/** So often at most one and the same trouble is logged. */
const LOG_INTERVAL_MS = 60_000;

/** What of a listening socket is needed to accept from it. */
export type Acceptor = Pick<Deno.TcpListener, "accept" | "addr">;

/**
 * Accepts connections until `signal` is aborted, whatever the system answers: with no file descriptors left (EMFILE) it
 * tries again, after pauses that grow, and says so in the log once a minute at most. A client that gave up too early
 * holds up no other. Never rejects.
 */
export async function acceptLoop(
  acceptor: Acceptor,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
  accepted: (tcp: Deno.TcpConn) => void,
): Promise<void> {
  const { clock, signal } = options;
  const log = roomLogger("net");
  let pauseMs = FIRST_PAUSE_MS;
  let quietUntilMs = -Infinity;
  while (!signal.aborted) {
    try {
      accepted(await acceptor.accept());
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (isAboutOneClient(error)) continue;
      if (clock.monotonicMs() >= quietUntilMs) {
        quietUntilMs = clock.monotonicMs() + LOG_INTERVAL_MS;
        const listen = formatAddress(socketAddress(acceptor.addr));
        log.error("cannot accept connections on {listen}: {error}", { listen, error: errorText(error) });
      }
      await clock.sleep(pauseMs, signal).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    }
  }
}

/** True where the connection was reset before it could be accepted, as load balancers do that only look whether we live. */
function isAboutOneClient(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
