import { errorText, MailteeError } from "../base/errors.ts";
import { logSent } from "../base/log.ts";
import type { RunResult } from "../ingest/types.ts";
import type { ProfileTask, WorkerOrder, WorkerWord } from "./profile_task.ts";

/** `deno compile` takes it in by --include (tools/compile.ts). */
const WORKER = new URL("./profile_worker.ts", import.meta.url);

/**
 * Carries a task out in a thread of its own, so that sessions aren't kept waiting: in the program's thread a run of 3,000
 * mails held them up by 2.7 s at most, so by 0.5 s (medians of three alternating rounds on a machine with ten times the
 * work that it can do). Its log records come out here.
 *
 * Where the signal is aborted the run stops at its next safe point. Rejects as `carryOutTask` does, and with an Error
 * where the thread dies.
 */
export async function runInWorker(task: ProfileTask, signal: AbortSignal, module: URL = WORKER): Promise<RunResult> {
  const worker = new Worker(module, { type: "module", name: `profile ${task.profile.name}` });
  const give = (order: WorkerOrder) => worker.postMessage(order);
  const stop = () => give({ kind: "stop", reason: errorText(signal.reason) });
  const ended = Promise.withResolvers<RunResult>();
  worker.onmessage = ({ data }: MessageEvent<WorkerWord>) => {
    switch (data.kind) {
      case "log":
        return logSent(data.record);
      case "result":
        return ended.resolve(data.result);
      case "failure":
        return ended.reject(failure(data));
    }
  };
  worker.onmessageerror = () => ended.reject(new Error("the thread of the run said what can't be read"));
  worker.onerror = (event) => {
    // Else the whole program would end.
    event.preventDefault();
    ended.reject(new Error(`the thread of the run died: ${event.message}`));
  };
  try {
    give({ kind: "run", task });
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    return await ended.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  }
}

function failure({ code, message, hint }: WorkerWord & { readonly kind: "failure" }): Error {
  return code === null ? new Error(message) : new MailteeError(code, message, hint === undefined ? {} : { hint });
}
