/** The thread of an `ExtractThread`: gets `Extraction`s, says `Extracted`s. */

/// <reference lib="deno.worker" />

import { extractMessage } from "./extract.ts";
import type { Extracted, Extraction } from "./extract_thread.ts";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = async ({ data: { number, octets } }: MessageEvent<Extraction>) => {
  const said: Extracted = { number, message: await extractMessage(octets) };
  self.postMessage(said);
};
