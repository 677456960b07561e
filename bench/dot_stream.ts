/**
 * The end-of-data machine in MB/s, beside a plain copy of the same chunks in the same run: the best of many rounds,
 * since whatever else runs on the machine can only slow them down.
 *
 *     deno run -A bench/dot_stream.ts
 */

import { DotEncoder, DotReader } from "../src/net/dot_stream.ts";

const MAIL_BYTES = 4_000_000;
const CHUNK_BYTES = 65_536;
const ROUNDS = 30;

/** Lines of so many characters, each with its CRLF; every `dotEvery`th begins with a doubled dot. */
function mailOf(lineLength: number, dotEvery: number): Uint8Array {
  const mail = new Uint8Array(Math.floor(MAIL_BYTES / (lineLength + 2)) * (lineLength + 2)).fill(0x41);
  for (let at = 0, line = 1; at < mail.length; at += lineLength + 2, line++) {
    if (line % dotEvery === 0) mail.fill(0x2e, at, at + 2);
    mail.set([13, 10], at + lineLength);
  }
  return mail;
}

/** MB/s of a way to take a mail's chunks. */
function rate(mail: Uint8Array, take: (chunk: Uint8Array) => unknown): number {
  const begin = performance.now();
  for (let at = 0; at < mail.length; at += CHUNK_BYTES) {
    take(mail.subarray(at, Math.min(at + CHUNK_BYTES, mail.length)));
  }
  return mail.length / 1000 / (performance.now() - begin);
}

const mails = {
  "base64, 76 a line": mailOf(76, Infinity),
  "text, 30 a line": mailOf(30, Infinity),
  "12 a line": mailOf(12, Infinity),
  "76, every 20th line with a dot": mailOf(76, 20),
};

for (const [name, mail] of Object.entries(mails)) {
  const rates = { copy: [] as number[], normalize: [] as number[], keep: [] as number[], encode: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.copy.push(rate(mail, (chunk) => chunk.slice()));
    for (const mode of ["normalize", "keep"] as const) {
      const reader = new DotReader({ bareNewline: mode });
      rates[mode].push(rate(mail, (chunk) => reader.push(chunk)));
    }
    const encoder = new DotEncoder();
    rates.encode.push(rate(mail, (chunk) => encoder.push(chunk)));
  }
  const copy = Math.max(...rates.copy);
  const shown = Object.entries(rates).map(([way, values]) =>
    `${way} ${Math.max(...values).toFixed(0)} (${(Math.max(...values) / copy).toFixed(2)})`
  );
  console.log(`${name}: ${shown.join(", ")}`);
}
