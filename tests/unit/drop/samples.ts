/** What the tests of the drop folder share: folders, clocks, envelopes and mails. */

import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { isDirectory } from "../../../src/base/files.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { listDropFolder } from "../../../src/drop/folder.ts";
import type {
  Capture,
  CaptureStart,
  DropWriter,
  Pop3Transmission,
  Settlement,
  SmtpTransmission,
} from "../../../src/drop/types.ts";

export const POSIX = Deno.build.os !== "windows";

/** A temporary folder for the time of a test. */
export async function withFolder(run: (folder: string) => Promise<void>, dir?: string): Promise<void> {
  const folder = await Deno.makeTempDir(dir === undefined ? {} : { dir });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A folder in memory, for tests that do much and need no real disk; undefined where the system has none. */
export const memoryFolder = isDirectory("/dev/shm") ? "/dev/shm" : undefined;

/** A clock that stands where it is put; its sleepers wake at once. */
export class StillClock implements Clock {
  time = Date.UTC(2026, 10, 24, 11, 55, 1, 123);
  elapsedMs = 0;
  now(): number {
    return this.time;
  }
  monotonicMs(): number {
    return this.elapsedMs;
  }
  sleep(ms: number): Promise<void> {
    this.elapsedMs += ms;
    return Promise.resolve();
  }
}

const sides = {
  client: {
    address: "192.168.0.7",
    port: 50123,
    helo: "pc7.company.example",
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    authenticatedAs: "anna",
  },
  target: { host: "mail.provider.example", address: "192.0.2.25", port: 465, tls: null },
} satisfies Pick<CaptureStart, "client" | "target">;

export function smtpStart(smtp: Partial<Omit<SmtpTransmission, "reply">> = {}): CaptureStart & { smtp: object } {
  return {
    ...sides,
    proxy: { name: "SMTP Proxy Server", kind: "smtp", listen: "0.0.0.0:25" },
    smtp: {
      mailFrom: "anna@company.example",
      params: ["BODY=8BITMIME"],
      recipients: [{ address: "bob@other.example", params: ["NOTIFY=NEVER"], reply: "250 2.1.5 Ok" }],
      rejectedRecipients: [{ address: "nobody@other.example", params: [], reply: "550 5.1.1 Unknown" }],
      ...smtp,
    },
  };
}

export function pop3Start(pop3: Partial<Pop3Transmission> = {}): CaptureStart & { pop3: object } {
  return {
    ...sides,
    proxy: { name: "POP3 Proxy Server", kind: "pop3", listen: "0.0.0.0:110" },
    pop3: { user: "m12345-1", uidl: "0000a1", messageNumber: 3, ...pop3 },
  };
}

export const MAIL = encodeUtf8(
  "Return-Path: <carol@other.example>\r\nFrom: Carol <carol@other.example>\r\nSubject: Lunch\r\n" +
    "Message-ID: <1@other.example>\r\n\r\nAt noon?\r\n.\r\n..\r\n",
);

/** A mail of so many octets that no compression or pattern would give back. */
export function bigMail(size: number): Uint8Array<ArrayBuffer> {
  const mail = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += 65536) {
    crypto.getRandomValues(mail.subarray(offset, Math.min(size, offset + 65536)));
  }
  mail.set(MAIL.subarray(0, size));
  return mail;
}

export function writeInChunks(capture: Capture, mail: Uint8Array, chunkSize: number): void {
  const buffer = new Uint8Array(chunkSize);
  for (let offset = 0; offset < mail.length; offset += chunkSize) {
    const chunk = mail.subarray(offset, offset + chunkSize);
    buffer.set(chunk);
    capture.write(buffer.subarray(0, chunk.length));
    buffer.fill(0xee);
  }
}

export const ACCEPTED: Settlement = { outcome: "accepted", reply: "250 2.0.0 Ok: queued as 4F3C" };

/** Carries out a whole capture; gives the file's path. */
export async function captureMail(
  writer: DropWriter,
  mail: Uint8Array,
  options: { readonly start?: CaptureStart; readonly settlement?: Settlement; readonly chunkSize?: number } = {},
): Promise<string> {
  const capture = writer.begin(options.start ?? smtpStart());
  writeInChunks(capture, mail, options.chunkSize ?? 4096);
  await capture.seal();
  return await capture.commit(options.settlement ?? ACCEPTED);
}

/** The names of what lies in a drop folder. */
export async function dropNames(folder: string): Promise<string[]> {
  return (await listDropFolder(folder)).map((entry) => entry.name);
}

/** All files below a folder, as paths relative to it. */
export function filesBelow(folder: string, prefix = ""): string[] {
  const names: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const name = prefix + entry.name;
    if (entry.isDirectory) names.push(...filesBelow(`${folder}/${entry.name}`, `${name}/`));
    else names.push(name);
  }
  return names.sort();
}

/** The captures of a folder that are in the making. */
export function unfinished(folder: string): string[] {
  return filesBelow(`${folder}/.incoming`).filter((name) => !name.endsWith("lock"));
}

/** The mails of ../shared/corpus by path; empty where the folder is missing. */
export function corpusMails(): Map<string, Uint8Array<ArrayBuffer>> {
  const root = new URL("../../../../shared/corpus/", import.meta.url);
  const mails = new Map<string, Uint8Array<ArrayBuffer>>();
  try {
    for (const line of Deno.readTextFileSync(new URL("MANIFEST.tsv", root)).split("\n").slice(1)) {
      const path = line.split("\t")[0];
      if (path !== undefined && path !== "") mails.set(path, Deno.readFileSync(new URL(path, root)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return mails;
}
