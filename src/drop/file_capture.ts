import { createHash } from "node:crypto";
import { basename, join } from "@std/path";
import { concatBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { MailteeError } from "../base/errors.ts";
import { fileError, type FileOps, type OpenFile, removeIfThere, writeAll } from "../base/files.ts";
import { buildPreamble, buildTail, createBoundary, type PreambleFacts, type SealedReport } from "./capture.ts";
import { captureName } from "./folder.ts";
import type { FreshFile } from "./fresh_files.ts";
import { PART_SUFFIX, SETTLED_SUFFIX, type WriterFolder } from "./incoming.ts";
import { HeaderEnd, type MailFields, mailFields } from "./mail_header.ts";
import { type SettledEnd, settlementRegion } from "./report.ts";
import type { Capture, CaptureStart, Settlement } from "./types.ts";

/** What a capture needs of its writer. */
export interface CaptureContext {
  readonly drop: string;
  readonly folder: WriterFolder;
  readonly ops: FileOps;
  readonly clock: Clock;
  readonly hostName: string;
  readonly fileMode: number;
  /** Called once per capture, when it ends. */
  readonly ended: (capture: FileCapture, state: EndState) => void;
}

/**
 * - committed: visible in the drop folder
 * - aborted: gone
 * - failed: dead, its file to be removed by `abort`
 * - set-aside: over, but sealed and possibly accepted by the target: its file stays for recovery
 */
export type EndState = "committed" | "aborted" | "failed" | "set-aside";
type State = "writing" | "sealing" | "sealed" | "committing" | EndState;

/** So much is collected in memory before the first write; smaller mails are written by one call. */
const COLLECT_BYTES = 64 * 1024;
/** Chunks of this size and more are written as they come. */
const LARGE_CHUNK_BYTES = 16 * 1024;
const COPY_BUFFER_BYTES = 256 * 1024;

/** One capture as a file in `.incoming/`: the transaction of types.ts, and the only place that carries it out. */
export class FileCapture implements Capture {
  readonly id: string;
  readonly #context: CaptureContext;
  readonly #start: CaptureStart;
  readonly #started: Date;
  readonly #boundary = createBoundary();
  readonly #fresh: FreshFile;
  readonly #path: string;
  readonly #file: OpenFile;
  /** Of what was written to the file. A capture that is given up before has nothing hashed. */
  #hash: ReturnType<typeof createHash> | null = null;
  readonly #headerEnd = new HeaderEnd();
  #state: State = "writing";
  #size = 0;
  /** Octets that aren't written yet, in memory that doesn't change. */
  #collected: Uint8Array[] = [];
  #collectedBytes = 0;
  /** Taken from the mail when the preamble is written. */
  #fields: MailFields | null = null;
  #mailOffset = 0;
  /** Known from the sealing on. */
  #mail: SealedReport["mail"] | null = null;
  #settlementOffset = 0;
  #fileOpen = true;
  /** Something is in the file, or may be. */
  #written = false;

  /** @param fresh the file that it is written to, its own from now on */
  constructor(id: string, start: CaptureStart, fresh: FreshFile, context: CaptureContext) {
    this.id = id;
    this.#start = start;
    this.#context = context;
    this.#started = new Date(context.clock.now());
    this.#fresh = fresh;
    this.#path = fresh.path;
    this.#file = fresh.file;
  }

  /** What its files in `.incoming/` are called, up to the suffix. */
  get fileStem(): string {
    return basename(this.#path, PART_SUFFIX);
  }

  get size(): number {
    return this.#size;
  }

  write(content: Uint8Array, lasting = false): void {
    this.#expect("writing");
    this.#headerEnd.push(content);
    this.#size += content.length;
    if (this.#fields !== null && content.length >= LARGE_CHUNK_BYTES) {
      this.#attempt(() => {
        this.#writeCollected();
        this.#addToHash(content);
        this.#write(content);
      });
      return;
    }
    this.#collected.push(lasting ? content : content.slice());
    this.#collectedBytes += content.length;
    if (this.#collectedBytes >= COLLECT_BYTES) this.#attempt(() => this.#writeCollected());
  }

  async seal(): Promise<void> {
    this.#expect("writing");
    this.#state = "sealing";
    this.#attempt(() => this.#writeEnd());
    // Both are awaited whatever comes of either: a file isn't given up with a flush under way.
    const flushes = await Promise.allSettled([this.#file.syncData(), this.#fresh.findable()]);
    this.#expect("sealing");
    for (const flush of flushes) {
      if (flush.status === "rejected") throw this.#fail(flush.reason);
    }
    this.#state = "sealed";
  }

  async commit(settlement: Settlement): Promise<string> {
    this.#expect("sealed");
    this.#state = "committing";
    const { ops, drop } = this.#context;
    const target = join(drop, captureName(this.id));
    try {
      const end = this.#settledEnd(settlement);
      const changed = settlement.recipients !== undefined || settlement.rejectedRecipients !== undefined;
      const region = changed ? null : settlementRegion(end);
      if (region === null) {
        ops.rename(await this.#writeSettled(settlement, end), target);
      } else {
        this.#file.seek(this.#settlementOffset);
        writeAll(this.#file, region);
        this.#closeFile();
        ops.rename(this.#path, target);
      }
    } catch (error) {
      throw this.#fail(error, "set-aside");
    }
    this.#end("committed");
    return target;
  }

  abort(): void {
    if (this.#state === "committing") return;
    if (this.#state === "writing" && !this.#written) {
      this.#fileOpen = false;
      this.#fresh.giveBack();
      return this.#end("aborted");
    }
    if (this.#state === "failed" || !isEndState(this.#state)) {
      this.#discard();
      this.#end("aborted");
    }
    this.#closeFile();
  }

  /** A file that can't be removed is emptied, lest recovery takes it for a mail that may have been accepted. */
  #discard(): void {
    try {
      this.#context.ops.remove(this.#path);
    } catch {
      try {
        this.#file.truncate();
      } catch {
        return;
      }
    }
  }

  /** Ends the capture as a stop of the program would: what is sealed stays for recovery, what isn't is removed. */
  abandon(): void {
    if (this.#state !== "sealed" && this.#state !== "committing") return this.abort();
    this.#closeFile();
    this.#end("set-aside");
  }

  /** The preamble, where it isn't written yet. */
  #missingPreamble(): Uint8Array[] {
    if (this.#fields !== null) return [];
    const headerSize = this.#headerEnd.size ?? COLLECT_BYTES;
    this.#fields = mailFields(firstBytes(this.#collected, Math.min(headerSize, COLLECT_BYTES)));
    const preamble = buildPreamble(this.#preambleFacts(this.#start), this.#fields);
    this.#mailOffset = preamble.length;
    return [preamble];
  }

  #preambleFacts(start: CaptureStart): PreambleFacts {
    return {
      id: this.id,
      boundary: this.#boundary,
      hostName: this.#context.hostName,
      started: this.#started,
      start,
    };
  }

  #writeCollected(): void {
    const parts = this.#takeCollected();
    if (parts.length > 0) this.#write(concatBytes(parts));
  }

  /** What is to be written so far: the preamble, where it is missing, and the octets that were collected. */
  #takeCollected(): Uint8Array[] {
    const parts = [...this.#missingPreamble(), ...this.#collected];
    for (const part of this.#collected) this.#addToHash(part);
    this.#collected = [];
    this.#collectedBytes = 0;
    return parts;
  }

  #addToHash(content: Uint8Array): void {
    this.#hash ??= createHash("sha256");
    this.#hash.update(content);
  }

  #write(bytes: Uint8Array): void {
    this.#written = true;
    writeAll(this.#file, bytes);
  }

  /** Writes all that is missing by one call, with the outcome left open. */
  #writeEnd(): void {
    const parts = this.#takeCollected();
    this.#mail = {
      size: this.#size,
      sha256: (this.#hash ?? createHash("sha256")).digest("hex"),
      headerSize: this.#headerEnd.size ?? this.#size,
    };
    const report = this.#report(this.#start, this.#mail);
    const tail = buildTail(report, this.#boundary, this.#mailOffset + this.#size, null);
    this.#settlementOffset = tail.settlementOffset;
    this.#write(concatBytes([...parts, tail.bytes]));
  }

  #report(start: CaptureStart, mail: SealedReport["mail"]): SealedReport {
    return {
      version: 1,
      id: this.id,
      proxy: start.proxy,
      client: start.client,
      target: start.target,
      started: this.#started.toISOString(),
      mail,
      ...(start.smtp === undefined ? { pop3: start.pop3 } : { smtp: { ...start.smtp, reply: null } }),
    };
  }

  #settledEnd(settlement: Settlement): SettledEnd {
    return {
      outcome: settlement.outcome,
      finished: new Date(this.#context.clock.now()).toISOString(),
      ...(this.#start.smtp === undefined ? {} : { reply: settlement.reply ?? null }),
    };
  }

  /**
   * Writes a second, settled file, for what can't be settled in place: recipients that changed, or a long reply. It is
   * durable before the first one goes. Gives its path.
   */
  async #writeSettled(settlement: Settlement, end: SettledEnd): Promise<string> {
    const { ops, folder, fileMode } = this.#context;
    if (this.#mail === null || this.#fields === null) throw new Error("settled before it was sealed");
    const start = settledStart(this.#start, settlement);
    const preamble = buildPreamble(this.#preambleFacts(start), this.#fields);
    const tail = buildTail(this.#report(start, this.#mail), this.#boundary, preamble.length + this.#size, end);
    const path = join(folder.path, this.fileStem + SETTLED_SUFFIX);
    const file = ops.create(path, fileMode);
    try {
      writeAll(file, preamble);
      await this.#copyMail(file);
      writeAll(file, tail.bytes);
      await Promise.all([file.syncData(), folder.flush()]);
      this.#expect("committing");
    } catch (error) {
      removeIfThere(path, ops);
      throw error;
    } finally {
      file.close();
    }
    this.#closeFile();
    ops.remove(this.#path);
    return path;
  }

  async #copyMail(target: OpenFile): Promise<void> {
    using source = await Deno.open(this.#path, { read: true });
    await source.seek(this.#mailOffset, Deno.SeekMode.Start);
    const buffer = new Uint8Array(Math.min(COPY_BUFFER_BYTES, Math.max(1, this.#size)));
    for (let left = this.#size; left > 0;) {
      const count = await source.read(buffer.subarray(0, Math.min(left, buffer.length)));
      if (count === null) throw new Error(`${this.#path} became shorter`);
      writeAll(target, buffer.subarray(0, count));
      left -= count;
    }
  }

  #closeFile(): void {
    if (this.#fileOpen) this.#file.close();
    this.#fileOpen = false;
  }

  #expect(state: State): void {
    if (this.#state !== state) {
      throw new MailteeError("io", `capture ${this.id} is ${this.#state}, not ${state}`);
    }
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown, state: "failed" | "set-aside" = "failed"): MailteeError {
    this.#end(state);
    return fileError(error, `write capture ${this.id} in ${this.#context.drop}`);
  }

  #end(state: EndState): void {
    const before = this.#state;
    this.#state = state;
    if (!isEndState(before)) this.#context.ended(this, state);
  }
}

function isEndState(state: State): state is EndState {
  return state === "committed" || state === "aborted" || state === "failed" || state === "set-aside";
}

function settledStart(start: CaptureStart, settlement: Settlement): CaptureStart {
  if (start.smtp === undefined) return start;
  const { recipients, rejectedRecipients } = { ...start.smtp, ...settlement };
  return { ...start, smtp: { ...start.smtp, recipients, rejectedRecipients } };
}

function firstBytes(parts: readonly Uint8Array[], count: number): Uint8Array {
  const [first] = parts;
  if (first !== undefined && first.length >= count) return first.subarray(0, count);
  return concatBytes(parts).subarray(0, count);
}
