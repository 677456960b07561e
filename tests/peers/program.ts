import { decodeUtf8 } from "../../src/base/bytes.ts";
import { findProgram } from "./peer.ts";

export interface ProgramOptions {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProgramResult {
  /** Exit code; 128 + n where signal n ended it. */
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
}

const RUN_LIMIT_MS = 60_000;
const READY_LIMIT_MS = 30_000;
const POLL_MS = 15;

/** Runs a program to its end, with `stdin` as its input. One that takes over a minute is killed. */
export async function runProgram(
  binary: string,
  options: ProgramOptions & { readonly stdin?: Uint8Array },
): Promise<ProgramResult> {
  const child = spawn(binary, options, options.stdin === undefined ? "null" : "piped");
  const timer = setTimeout(() => child.kill("SIGKILL"), RUN_LIMIT_MS);
  try {
    const [{ code, stdout, stderr }] = await Promise.all([child.output(), feed(child, options.stdin)]);
    return { code, stdout, stderr: decodeUtf8(stderr) };
  } finally {
    clearTimeout(timer);
  }
}

/** The same, for programs that have to succeed. */
export async function runOrFail(
  binary: string,
  options: ProgramOptions & { readonly stdin?: Uint8Array },
): Promise<ProgramResult> {
  const result = await runProgram(binary, options);
  if (result.code !== 0) {
    const said = `${decodeUtf8(result.stdout)}${result.stderr}`.trim();
    throw new Error(`${binary} ${options.args.join(" ")} ended with ${result.code}:\n${said}`);
  }
  return result;
}

/** A program that runs in the background. */
export interface RunningProgram {
  readonly pid: number;
  /** True once it has ended, by itself or by a signal. */
  ended(): boolean;
  /** Resolves with the exit code when it has ended. */
  readonly end: Promise<number>;
  /** All that it has written to stdout and stderr so far. */
  output(): string;
  /** Resolves when `isReady` says so of the output; rejects where the program ends before, or after half a minute. */
  waitFor(isReady: (output: string) => boolean | Promise<boolean>): Promise<void>;
  /** Sends a signal, and waits for the end. Gives the exit code; safe to call after the end. */
  stop(signal?: Deno.Signal): Promise<number>;
}

/** Starts a program that runs until it is stopped. The caller must call `stop`. */
export function startProgram(binary: string, options: ProgramOptions): RunningProgram {
  const child = spawn(binary, options, "null");
  const chunks: string[] = [];
  let ended = false;
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) chunks.push(text);
  };
  const end = (async () => {
    const [status] = await Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
    ended = true;
    return status.code;
  })();
  const output = () => chunks.join("");
  return {
    pid: child.pid,
    ended: () => ended,
    end,
    output,
    waitFor: async (isReady) => {
      await until(async () => {
        if (await isReady(output())) return true;
        if (ended) throw new Error(`${binary} ended before it was ready:\n${output()}`);
        return false;
      }, () => `${binary} isn't ready:\n${output()}`);
    },
    stop: (signal = "SIGTERM") => {
      if (!ended) {
        try {
          child.kill(signal);
        } catch {
          // It has ended by itself in the meantime.
        }
      }
      return end;
    },
  };
}

/** Asks again and again until `condition` holds; rejects with `complaint` after half a minute. */
export async function until(condition: () => boolean | Promise<boolean>, complaint: () => string): Promise<void> {
  const deadline = performance.now() + READY_LIMIT_MS;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(complaint());
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** True where something listens on a port of this machine. */
export async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Ports on 127.0.0.1 that were free a moment ago, for programs that can't choose one themselves; below those that the
 * system gives to outgoing connections.
 */
export function freePorts(count: number): number[] {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}

function spawn(binary: string, options: ProgramOptions, stdin: "null" | "piped"): Deno.ChildProcess {
  return new Deno.Command(findProgram(binary) ?? binary, {
    args: [...options.args],
    stdin,
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  }).spawn();
}

async function feed(child: Deno.ChildProcess, stdin: Uint8Array | undefined): Promise<void> {
  if (stdin === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(stdin);
    await writer.close();
  } catch {
    // The program didn't want all of it; its exit code tells whether that was right.
  }
}
