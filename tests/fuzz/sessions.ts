/** Which session a seed stands for: every way into a session has its turn. */

import { fuzzPop3Session, POP3_WAYS } from "./pop3_session.ts";
import { fuzzProxyHeader } from "./proxy_header_session.ts";
import { fuzzSmtpSession } from "./smtp_session.ts";
import { SMTP_WAYS } from "./smtp_ways.ts";
import type { SessionTally } from "./wire.ts";

type SeededSession = (seed: number) => Promise<SessionTally>;

const SESSIONS: readonly SeededSession[] = [
  ...SMTP_WAYS.map((way): SeededSession => (seed) => fuzzSmtpSession(seed, way)),
  ...POP3_WAYS.map((way): SeededSession => (seed) => fuzzPop3Session(seed, way)),
  (seed) => fuzzProxyHeader(seed),
];

/** How many sessions in a row have one of each kind. */
export const KINDS = SESSIONS.length;

/** Runs the session of a seed; throws what is wrong with it. */
export async function fuzzSession(seed: number): Promise<SessionTally> {
  const session = SESSIONS[seed % KINDS];
  if (session === undefined) throw new RangeError(`no session for seed ${seed}`);
  return await session(seed);
}
