/** The thread of a profile's run: gets a `WorkerOrder`, says `WorkerWord`s. */

/// <reference lib="deno.worker" />

import { systemClock } from "../base/clock.ts";
import { errorText, MailteeError } from "../base/errors.ts";
import { sendLog } from "../base/log.ts";
import { carryOutTask, type ProfileTask, type WorkerOrder, type WorkerWord } from "./profile_task.ts";

declare const self: DedicatedWorkerGlobalScope;

const stopping = new AbortController();

self.onmessage = ({ data }: MessageEvent<WorkerOrder>) => {
  if (data.kind === "run") carryOut(data.task);
  else stopping.abort(new Error(data.reason));
};

function say(word: WorkerWord): void {
  self.postMessage(word);
}

async function carryOut(task: ProfileTask): Promise<void> {
  try {
    await sendLog((record) => say({ kind: "log", record }));
    say({ kind: "result", result: await carryOutTask(task, systemClock, stopping.signal) });
  } catch (error) {
    const known = error instanceof MailteeError ? error : null;
    const hint = known?.hint;
    say({
      kind: "failure",
      code: known?.code ?? null,
      message: errorText(error),
      ...hint === undefined ? {} : { hint },
    });
  }
}
