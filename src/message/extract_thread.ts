import { roomLogger } from "../base/log.ts";
import { extractMessage } from "./extract.ts";
import type { ExtractedMessage } from "./types.ts";

const log = roomLogger("message");

/** `deno compile` takes it in by --include (tools/compile.ts). */
const WORKER = new URL("./extract_worker.ts", import.meta.url);

/** Octets that the thread is given at once; one larger mail alone is given too. */
const MAX_GIVEN_BYTES = 8 * 1024 * 1024;

/** What the thread is given. */
export interface Extraction {
  readonly number: number;
  readonly octets: Uint8Array;
}

/** What the thread says for each `Extraction`, in any order. */
export interface Extracted {
  readonly number: number;
  readonly message: ExtractedMessage;
}

export interface ExtractThreadOptions {
  /** So many mails are taken apart in the caller's thread before another is started. */
  readonly mailsBefore: number;
  /** The thread's module. @default extract_worker.ts */
  readonly module?: URL;
}

interface Given {
  readonly octets: Uint8Array;
  readonly result: PromiseWithResolvers<ExtractedMessage>;
}

/**
 * `extractMessage` in a thread of its own, for those who have other work meanwhile and many mails. Where the thread dies,
 * or can't be started, what it was given is taken apart in the caller's thread, and so is all that follows.
 */
export class ExtractThread {
  readonly #module: URL;
  readonly #given = new Map<number, Given>();
  /** Those that wait until the thread has less to do. */
  readonly #waiting: (() => void)[] = [];
  #givenBytes = 0;
  #mailsBefore: number;
  #count = 0;
  #worker: Worker | null = null;
  #dead = false;

  constructor({ mailsBefore, module = WORKER }: ExtractThreadOptions) {
    this.#mailsBefore = mailsBefore;
    this.#module = module;
  }

  /** As `extractMessage`. The octets stay the caller's, and mustn't change until this resolves. */
  async extract(octets: Uint8Array): Promise<ExtractedMessage> {
    if (this.#mailsBefore > 0) {
      this.#mailsBefore--;
      return await extractMessage(octets);
    }
    while (!this.#dead && this.#given.size > 0 && this.#givenBytes + octets.length > MAX_GIVEN_BYTES) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#dead) return await extractMessage(octets);
    return await this.#give(this.#worker ??= this.#start(), octets);
  }

  /** Ends the thread. What it hasn't done yet is done in the caller's. */
  close(): void {
    this.#end();
  }

  #start(): Worker {
    const worker = new Worker(this.#module, { type: "module", name: "text of mails" });
    worker.onmessage = ({ data }: MessageEvent<Extracted>) => this.#take(data);
    worker.onmessageerror = () => this.#fail("it said what can't be read");
    worker.onerror = (event) => {
      // Else the whole program would end.
      event.preventDefault();
      this.#fail(event.message);
    };
    return worker;
  }

  #give(worker: Worker, octets: Uint8Array): Promise<ExtractedMessage> {
    const number = this.#count++;
    const result = Promise.withResolvers<ExtractedMessage>();
    this.#given.set(number, { octets, result });
    this.#givenBytes += octets.length;
    const copy = new Uint8Array(octets);
    const extraction: Extraction = { number, octets: copy };
    worker.postMessage(extraction, [copy.buffer]);
    return result.promise;
  }

  #take({ number, message }: Extracted): void {
    const given = this.#given.get(number);
    if (given === undefined) return;
    this.#given.delete(number);
    this.#givenBytes -= given.octets.length;
    given.result.resolve(message);
    this.#wake();
  }

  #fail(reason: string): void {
    if (this.#dead) return;
    log.error("the thread that reads the text of mails died: {reason}; it is done without one", { reason });
    this.#end();
  }

  #end(): void {
    this.#dead = true;
    this.#worker?.terminate();
    this.#worker = null;
    for (const { octets, result } of this.#given.values()) extractMessage(octets).then(result.resolve, result.reject);
    this.#given.clear();
    this.#givenBytes = 0;
    this.#wake();
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
