/** Which session a seed stands for: every way into a session has its turn. */

import { fuzzPop3Session, POP3_WAYS } from "./pop3_session.ts";
import { fuzzSmtpSession, SMTP_WAYS } from "./smtp_session.ts";
import type { SessionTally } from "./wire.ts";

type FuzzedSession = (seed: number) => Promise<SessionTally>;

const SESSIONS: readonly FuzzedSession[] = [
  ...SMTP_WAYS.map((way): FuzzedSession => (seed) => fuzzSmtpSession(seed, way)),
  ...POP3_WAYS.map((way): FuzzedSession => (seed) => fuzzPop3Session(seed, way)),
];

/** How many sessions in a row have one of each kind. */
export const KINDS = SESSIONS.length;

/** Runs the session of a seed; throws what is wrong with it. */
export async function fuzzSession(seed: number): Promise<SessionTally> {
  const session = SESSIONS[seed % KINDS];
  if (session === undefined) throw new RangeError(`no session for seed ${seed}`);
  return await session(seed);
}
