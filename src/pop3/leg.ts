/** One leg of a session: a connection with what waits to be written to it, and word of what comes in. */

import { concatBytes } from "../base/bytes.ts";
import { hasCode, MailteeError } from "../base/errors.ts";
import { closeAfterLastWords } from "../net/farewell.ts";
import type { Doorbell } from "../net/doorbell.ts";
import type { Connection } from "../net/types.ts";
import { withCrLf } from "./reply.ts";

/** How long the end of a session may take to reach a peer that no longer listens. */
const FAREWELL_MS = 2000;

/** Why nothing more comes from a peer. */
export type LegLoss = "closed" | "timeout";

export class Leg {
  readonly connection: Connection;
  readonly #bell: Doorbell;
  #output: Uint8Array[] = [];
  #listening: Promise<void> | null = null;
  #inputLoss: LegLoss | null = null;
  #outputLoss: LegLoss | null = null;

  /** @param bell rings whenever more has come in, or nothing more will */
  constructor(connection: Connection, bell: Doorbell) {
    this.connection = connection;
    this.#bell = bell;
  }

  /** Set once nothing more comes in. What is buffered is still to be read. */
  get inputLoss(): LegLoss | null {
    return this.#inputLoss;
  }

  /** Set once the peer takes nothing more. */
  get outputLoss(): LegLoss | null {
    return this.#outputLoss;
  }

  get buffered(): Uint8Array {
    return this.connection.buffered;
  }

  get hasOutput(): boolean {
    return this.#output.length > 0;
  }

  /** From now, how long reading may take; null for no limit. */
  allow(ms: number | null): void {
    this.connection.setDeadline(ms);
  }

  /** Adds bytes to what is written next. They must not change until then. */
  append(bytes: Uint8Array): void {
    this.#output.push(bytes);
  }

  /** Adds a line and its CRLF; they are copied. */
  appendLine(line: Uint8Array): void {
    this.#output.push(withCrLf(line));
  }

  /**
   * Writes what was appended, within `ms`; then there is no time limit until the next `allow`. Never rejects: false
   * where the peer takes nothing more.
   */
  async flush(ms: number): Promise<boolean> {
    const [first, ...more] = this.#output;
    if (first === undefined || this.#outputLoss !== null) return this.#outputLoss === null;
    this.#output = [];
    this.connection.setDeadline(ms);
    try {
      await this.connection.write(more.length === 0 ? first : concatBytes([first, ...more]));
    } catch (error) {
      if (!(error instanceof MailteeError)) throw error;
      this.#outputLoss = lossOf(error);
      this.#bell.ring();
    }
    this.connection.setDeadline(null);
    return this.#outputLoss === null;
  }

  /** Starts to wait for more, unless it already does; the bell tells. */
  listen(): void {
    if (this.#inputLoss === null) this.#listening ??= this.connection.fill().then(this.#onFill, this.#onFailure);
  }

  /** Waits until more has come in, within `ms`; false where nothing more will. */
  async more(ms: number): Promise<boolean> {
    this.allow(ms);
    this.listen();
    await this.#listening;
    return this.#inputLoss === null;
  }

  /** Writes what was appended and closes so that the peer gets it, as far as it still listens. */
  async takeLeave(): Promise<void> {
    if (await this.flush(FAREWELL_MS)) await closeAfterLastWords(this.connection, FAREWELL_MS);
    this.cut();
  }

  /** Closes the connection at once. */
  cut(): void {
    this.connection.close();
    this.#outputLoss ??= "closed";
    this.#inputLoss ??= "closed";
    this.#bell.ring();
  }

  readonly #onFill = (grown: boolean): void => {
    this.#listening = null;
    if (!grown) this.#inputLoss ??= "closed";
    this.#bell.ring();
  };

  readonly #onFailure = (error: unknown): void => {
    this.#listening = null;
    this.#inputLoss ??= lossOf(error);
    this.#bell.ring();
  };
}

function lossOf(error: unknown): LegLoss {
  return hasCode(error, "timeout") ? "timeout" : "closed";
}
