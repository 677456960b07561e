import { toFileUrl } from "@std/path";
import { MailteeError } from "../base/errors.ts";
import { explainModuleError, type ModuleError } from "./module_error.ts";

/** What the worker answers: the default export, or why there is none. */
type Answer =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "no-default" }
  /** Something in it isn't plain data; `path` is where, as in `proxies[0].name`. */
  | { readonly kind: "not-data"; readonly path: string; readonly found: string }
  | ({ readonly kind: "error" } & ModuleError);

const TIME_LIMIT_MS = 10_000;

/**
 * The default export of a TypeScript or JavaScript module, which has to be plain data. The module runs in a worker of
 * its own: each reading reads it and what it imports anew, and one that never ends can be ended.
 * Rejects with MailteeError "config" that names file and line.
 */
export async function readTypeScriptFile(file: string, timeLimitMs: number = TIME_LIMIT_MS): Promise<unknown> {
  const answer = await askWorker(toFileUrl(file).href, timeLimitMs);
  switch (answer?.kind) {
    case "value":
      return answer.value;
    case "no-default":
      throw new MailteeError("config", `${file} has no default export.`, {
        hint: 'It has to end as "export default { … } satisfies Config;".',
      });
    case "not-data":
      throw new MailteeError("config", `${file}: ${answer.path}: found ${answer.found}; allowed: plain data.`, {
        hint: "Call the function in the config and put what it gives there.",
      });
    case "error": {
      const { message, hint } = explainModuleError(file, answer);
      throw new MailteeError("config", message, { hint });
    }
    case undefined:
      throw new MailteeError("config", `${file} didn't come to its end within ${timeLimitMs / 1000} seconds.`, {
        hint: "It waits for something that doesn't happen, or runs in circles.",
      });
  }
}

/** Undefined where no answer came in time. */
async function askWorker(url: string, timeLimitMs: number): Promise<Answer | undefined> {
  const worker = new Worker(workerUrl(), { type: "module" });
  const answered = Promise.withResolvers<Answer | undefined>();
  const timer = setTimeout(() => answered.resolve(undefined), timeLimitMs);
  worker.onmessage = (event: MessageEvent<Answer>) => answered.resolve(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    answered.resolve({ kind: "error", name: "Error", message: event.message, stack: "" });
  };
  worker.postMessage(url);
  try {
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

/** The worker as a data: URL, so that the compiled program needs no file beside it. */
function workerUrl(): string {
  const source = `self.onmessage = async (event) => self.postMessage(await (${answerFor})(event.data));`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** Runs in the worker, and may therefore use nothing outside itself. */
async function answerFor(url: string): Promise<Answer> {
  const notData = (value: unknown, path: string): Answer | undefined => {
    if (typeof value === "function" || typeof value === "symbol") {
      return { kind: "not-data", path, found: `a ${typeof value}` };
    }
    if (typeof value !== "object" || value === null) return undefined;
    if (value instanceof Promise) return { kind: "not-data", path, found: "a promise" };
    for (const [key, each] of Object.entries(value)) {
      const below = notData(each, Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
      if (below !== undefined) return below;
    }
  };
  try {
    const module: Record<string, unknown> = await import(url);
    const value = await module["default"];
    if (value === undefined) return { kind: "no-default" };
    return notData(value, "") ?? { kind: "value", value };
  } catch (error) {
    return error instanceof Error
      ? { kind: "error", name: error.name, message: error.message, stack: error.stack ?? "" }
      : { kind: "error", name: "Error", message: String(error), stack: "" };
  }
}
