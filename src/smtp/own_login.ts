/** AUTH that the proxy itself answers (RFC 4954), as part of the session reducer. */

import { decodeLatin1 } from "../base/bytes.ts";
import { decodeBase64 } from "../sasl/base64.ts";
import { beginSaslExchange, type SaslExchange, saslServerStep } from "../sasl/server.ts";
import { localReplies } from "./local_replies.ts";
import type { LoginOutcome } from "./login_gate.ts";
import { formatReply, type Reply } from "./reply.ts";
import type { SessionState } from "./session_state.ts";
import type { Turn } from "./session_turn.ts";

/** Failed logins of one session until it is ended. */
const MAX_FAILED_LOGINS = 3;

/** The proxy's own reason to refuse an AUTH command that it would answer; null where there is none. */
export function refusalOfOwnAuth({ loggedIn, clientTls, settings }: SessionState, mechanism: string): Reply | null {
  if (loggedIn) return localReplies.alreadyLoggedIn;
  if (settings.requireTlsForAuth && !clientTls) return localReplies.authNeedsTls;
  return beginSaslExchange(mechanism) === null ? localReplies.authMechanism : null;
}

/** An AUTH command. `initial` is the initial response in base64, "=" where it is empty. */
export function beginOwnLogin(turn: Turn, mechanism: string, initial: string | null): void {
  const exchange = beginSaslExchange(mechanism);
  if (exchange !== null) respond(turn, exchange, initial);
}

/** A line of the client's within the exchange. */
export function continueOwnLogin(turn: Turn, exchange: SaslExchange, line: Uint8Array): void {
  const response = decodeLatin1(line);
  if (response === "*") return breakOffOwnLogin(turn, localReplies.authCancelled);
  respond(turn, exchange, response);
}

/** The exchange can't go on. */
export function breakOffOwnLogin(turn: Turn, answer: Reply): void {
  turn.set({ ownExchange: null });
  turn.refuse(answer);
}

function respond(turn: Turn, exchange: SaslExchange, response: string | null): void {
  const octets = response === null ? null : decodeBase64(response);
  if (octets === null && response !== null) return breakOffOwnLogin(turn, localReplies.authNotBase64);
  const step = saslServerStep(exchange, octets);
  switch (step.kind) {
    case "challenge":
      turn.set({ ownExchange: step.exchange });
      return turn.answer(formatReply(334, "", step.challenge.toBase64()));
    case "credentials":
      turn.set({ ownExchange: null });
      return turn.do({ do: "check-login", credentials: step.credentials });
    case "malformed":
      return breakOffOwnLogin(turn, localReplies.authMalformed);
  }
}

/** The login was checked. */
export function onLoginChecked(turn: Turn, outcome: LoginOutcome, username: string): void {
  switch (outcome) {
    case "accepted":
      turn.set({ loggedIn: true, authenticatedAs: username });
      return turn.answer(localReplies.loggedIn);
    case "refused": {
      const failedLogins = turn.state.failedLogins + 1;
      turn.set({ failedLogins });
      turn.refuse(localReplies.badCredentials);
      if (failedLogins < MAX_FAILED_LOGINS || turn.state.ended) return;
      return turn.answer(localReplies.tooManyLogins, "client-protocol");
    }
    case "locked":
      return turn.answer(localReplies.tooManyLogins, "client-protocol");
  }
}
