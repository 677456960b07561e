import { randomSource } from "../unit/net/random.ts";

/** What a step that the dead attempt throws. */
export class Death extends Error {
  override readonly name = "Death";
}

/**
 * The steps of a program's life that others can see: each change of a disk, each piece that passes a socket. At one of
 * them it dies, and does nothing more.
 */
export class Fate {
  /** Numbers for this life, the same for the same seed. */
  readonly random: () => number;
  readonly #diesAt: number;
  readonly #onDeath: (() => void)[] = [];
  #steps = 0;
  #lastStep = "";
  #dead = false;

  constructor(seed: number, diesAt = Infinity) {
    this.random = randomSource(seed);
    this.#diesAt = diesAt;
  }

  get dead(): boolean {
    return this.#dead;
  }

  get steps(): number {
    return this.#steps;
  }

  /** The step at which the program died. */
  get lastStep(): string {
    return this.#lastStep;
  }

  /** Called once the program is dead. */
  onDeath(mourn: () => void): void {
    this.#onDeath.push(mourn);
  }

  /**
   * Takes the next step: gives "whole" for a step to be carried out, "torn" where the program dies in the middle of it;
   * then the caller carries out as much of it as it likes, and calls `bury`. Throws Death where it died before.
   */
  step(name: string): "whole" | "torn" {
    if (this.#dead) throw new Death(name);
    if (this.#steps++ < this.#diesAt) return "whole";
    this.#lastStep = name;
    this.#dead = true;
    return "torn";
  }

  /** Lets the world know of the death. */
  bury(): void {
    for (const mourn of this.#onDeath.splice(0)) mourn();
  }

  /** Dies between two steps. */
  die(): void {
    this.#dead = true;
    this.bury();
  }
}
