import { Counts } from "../base/counts.ts";

/** How often clients were told of limits, by the very answers that tell of one. */
export class LimitCounts<Answer, Limit extends string> {
  readonly #limits: ReadonlyMap<Answer, Limit>;
  readonly #counts = new Counts<Limit>();

  constructor(limits: ReadonlyMap<Answer, Limit>) {
    this.#limits = limits;
  }

  /** A client was given this answer. */
  answered(answer: Answer): void {
    const limit = this.#limits.get(answer);
    if (limit !== undefined) this.#counts.add(limit);
  }

  /** The limits that clients were told of, and how often, as of now. */
  snapshot(): Readonly<Record<string, number>> {
    return this.#counts.snapshot();
  }
}
