/** A random session in memory, from its first word to the comparison of all that came of it; the same for both protocols. */

import { assertEquals } from "@std/assert";
import type { SessionStats } from "../../src/net/session_counters.ts";
import type { FuzzedDrop } from "./fuzzed_drop.ts";
import type { SessionTally, Wire } from "./wire.ts";

export interface FuzzedSession {
  /** What runs it again: the protocol, the way into it, the seed. */
  readonly name: string;
  readonly wire: Wire;
  readonly drop: FuzzedDrop;
  readonly counters: { snapshot(): SessionStats };
  /** What the target got that no server understands, or that it should never have got. */
  readonly oddities: readonly string[];
  run(): Promise<void>;
  /** What the client says. */
  talk(): Promise<void>;
  /** Throws where the client has heard of success before the copy was kept. */
  compareSoFar(): void;
  /** Throws where what was sent, received and kept isn't the same. */
  compare(): void;
}

/** Plays a session to its end; throws, with its name and all that was said, where something is wrong. */
export async function play(session: FuzzedSession): Promise<SessionTally> {
  const { wire, drop, counters } = session;
  wire.onHeard = () => session.compareSoFar();
  try {
    const running = session.run();
    await session.talk();
    await wire.end(running);
    assertEquals(counters.snapshot().sessions.ended["internal-error"], undefined, "an error of the program");
    assertEquals(session.oddities, [], "the target got what it shouldn't get");
    assertEquals(drop.open.size, 0, "captures were left open");
    session.compare();
    return { inputs: wire.inputs, mails: drop.kept.length };
  } catch (error) {
    const told = JSON.stringify({ said: wire.said, heard: wire.heard });
    throw new Error(`${session.name}: ${told}`, { cause: error });
  }
}
