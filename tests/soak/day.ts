/** What happens in an office on a day, minute by minute. */

import { drawToken } from "./soak_mails.ts";
import type { Letter } from "./office.ts";

export const EMPLOYEES = [
  "anna",
  "bert",
  "carla",
  "dora",
  "emil",
  "frida",
  "georg",
  "hanna",
  "igor",
  "jana",
  "karl",
  "lena",
];

/** Mails a minute that the office sends, by the hour of the day: a burst at nine, a pause at noon, little at night. */
const SENT_PER_MINUTE = [
  ...[0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.5, 1, 3, 12, 6, 5],
  ...[1.5, 5, 6, 5, 5, 4, 1.5, 0.5, 0.3, 0.2, 0.1, 0.1],
];

/** One from elsewhere comes for so many that are sent. */
const SENT_PER_RECEIVED = 2;
const OFFICE_HOURS = { from: 7, until: 19 };
/** Minutes between two visits of a program that fetches mails. */
const FETCHED_EVERY = { day: 5, night: 30 };
const MIN_STAFF = 4;
const HANG_UPS = 0.02;
const MAX_LETTERS_PER_SESSION = 4;

export interface Minute {
  /** Letters by session; the client of a session that hangs up does so in its last one. */
  readonly sessions: readonly { readonly letters: readonly Letter[]; readonly hangsUp: boolean }[];
  readonly received: readonly { readonly token: string; readonly address: string }[];
  /** Who fetches. */
  readonly fetching: readonly { readonly user: string; readonly hangsUp: boolean }[];
}

/** Draws a day by chance: the same seed gives the same day. */
export class Day {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #size: number;
  readonly #staff: readonly string[];
  #count = 0;

  /** @param size of the office: 1 for the usual one */
  constructor(seed: number, random: () => number, size: number) {
    this.#seed = seed;
    this.#random = random;
    this.#size = size;
    this.#staff = EMPLOYEES.slice(0, Math.max(MIN_STAFF, Math.round(EMPLOYEES.length * size)));
  }

  /** The next minute, which begins at `wall`. */
  minute(wall: number): Minute {
    const now = new Date(wall);
    const hour = now.getUTCHours();
    const sent = this.#aboutSoMany((SENT_PER_MINUTE[hour] ?? 0) * this.#size);
    const received = this.#aboutSoMany((SENT_PER_MINUTE[hour] ?? 0) * this.#size / SENT_PER_RECEIVED);
    const every = hour >= OFFICE_HOURS.from && hour < OFFICE_HOURS.until ? FETCHED_EVERY.day : FETCHED_EVERY.night;
    const minute = hour * 60 + now.getUTCMinutes();
    return {
      sessions: this.#sessions(sent),
      received: Array.from({ length: received }, () => ({ token: this.#token(), address: this.#employee() })),
      fetching: this.#staff.filter((_, index) => (minute + index) % every === 0)
        .map((user) => ({ user, hangsUp: this.#random() < HANG_UPS })),
    };
  }

  #sessions(letters: number): Minute["sessions"] {
    const sessions: Minute["sessions"][number][] = [];
    for (let left = letters; left > 0;) {
      const count = Math.min(left, 1 + Math.floor(this.#random() * MAX_LETTERS_PER_SESSION));
      left -= count;
      sessions.push({
        letters: Array.from({ length: count }, () => this.#letter()),
        hangsUp: this.#random() < HANG_UPS,
      });
    }
    return sessions;
  }

  #letter(): Letter {
    const others = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => this.#recipient());
    return { token: this.#token(), from: this.#employee(), to: [...new Set(others), "unknown@other.example"] };
  }

  #recipient(): string {
    return this.#random() < 0.5 ? this.#employee() : `customer${Math.floor(this.#random() * 50)}@other.example`;
  }

  #employee(): string {
    return `${this.#staff[Math.floor(this.#random() * this.#staff.length)]}@company.example`;
  }

  #token(): string {
    return drawToken(this.#seed, ++this.#count, this.#random);
  }

  /** A whole number whose mean is `mean`. */
  #aboutSoMany(mean: number): number {
    const spread = mean * (0.5 + this.#random());
    return Math.floor(spread) + (this.#random() < spread % 1 ? 1 : 0);
  }
}
