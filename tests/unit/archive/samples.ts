import { createHash } from "node:crypto";
import { join } from "@std/path";
import { openArchive } from "../../../src/archive/archive.ts";
import type { Archive, ArchiveOptions, CaptureAddress, NewCapture } from "../../../src/archive/types.ts";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import type { ExtractedMessage } from "../../../src/message/types.ts";

/** Runs a test in a folder of its own and removes it. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-archive-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a test with an empty archive. */
export async function withArchive(
  test: (archive: Archive, folder: string) => Promise<void>,
  options: ArchiveOptions = {},
): Promise<void> {
  await inFolder(async (folder) => {
    const archive = await openArchive(join(folder, "archive"), options);
    try {
      await test(archive, folder);
    } finally {
      archive.close();
    }
  });
}

export function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

let count = 0;

/** What a sample differs in; all of it may be left out. */
export interface Sample extends Partial<ExtractedMessage> {
  readonly id?: string;
  /** The mail's octets as text; without it, one that is like no other. */
  readonly mail?: string;
  readonly size?: number;
  readonly started?: number;
  readonly addresses?: readonly CaptureAddress[];
  readonly users?: readonly string[];
  readonly proxy?: NewCapture["capture"]["proxy"];
}

/** A capture of a mail that is known only to the catalog. */
export function sample(sample: Sample = {}): NewCapture {
  const { id, mail, size, started, addresses, users, proxy, ...message } = sample;
  const octets = encodeUtf8(mail ?? `mail ${++count}`);
  return {
    capture: {
      id: id ?? `CAPTURE-${++count}`,
      file: `capture-${count}.eml`,
      proxy: proxy ?? { name: "SMTP proxy 1", kind: "smtp" },
      client: "127.0.0.1",
      started: started ?? Date.UTC(2026, 10, 24, 12),
      outcome: "accepted",
      addresses: addresses ?? [],
      report: { version: 1 },
    },
    mail: {
      sha256: sha256(octets),
      size: size ?? octets.length,
      extracted: {
        subject: "",
        from: "",
        to: "",
        cc: "",
        date: null,
        messageId: "",
        text: "",
        attachments: [],
        problems: [],
        ...message,
      },
    },
    users: users ?? [],
  };
}

/** An address in a role: `recipient("anna@company.example")`. */
export const sender = (address: string): CaptureAddress => ({ role: "sender", address });
export const recipient = (address: string): CaptureAddress => ({ role: "recipient", address });
export const pop3User = (address: string): CaptureAddress => ({ role: "pop3-user", address });

/** Octets in pieces of that length, all in one buffer that is used again. */
export async function* inPieces(octets: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let at = 0; at < octets.length; at += length) {
    const piece = octets.subarray(at, at + length);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    await Promise.resolve();
  }
}
