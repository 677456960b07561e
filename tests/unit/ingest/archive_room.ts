import { join } from "@std/path";
import { openArchive } from "../../../src/archive/archive.ts";
import type { Archive, ArchiveUser } from "../../../src/archive/types.ts";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { CaptureStart, Outcome } from "../../../src/drop/types.ts";
import { type FileDropWriter, openDropWriter } from "../../../src/drop/writer.ts";
import { type ProfileRunOptions, runProfile } from "../../../src/ingest/run_profile.ts";
import type { Profile, RunResult } from "../../../src/ingest/types.ts";
import { captureStart, writeCapture } from "./captures.ts";

export const ANNA: ArchiveUser = {
  name: "anna",
  addresses: ["anna@company.example"],
  pop3Users: ["m12345-1"],
};
export const BERT: ArchiveUser = { name: "bert", addresses: ["bert@company.example", "*@bert.example"], pop3Users: [] };

/** A drop folder and an archive in a folder of their own. */
export class ArchiveRoom {
  readonly folder: string;
  readonly drop: string;
  readonly writer: FileDropWriter;
  readonly archive: Archive;
  profile: Profile;
  users: readonly ArchiveUser[] = [ANNA, BERT];

  constructor(folder: string, writer: FileDropWriter, archive: Archive) {
    this.folder = folder;
    this.drop = writer.path;
    this.writer = writer;
    this.archive = archive;
    this.profile = { name: "nightly", dropFolder: this.drop, deleteArchived: false, deleteUnassigned: false };
  }

  /** Puts a capture of a mail into the drop folder; gives the file's name. */
  async capture(
    mail: string,
    envelope: { readonly from: string; readonly to: readonly string[] } | CaptureStart,
    outcome?: Outcome,
  ): Promise<string> {
    const start = "proxy" in envelope ? envelope : captureStart(envelope);
    const path = await writeCapture(this.writer, start, encodeUtf8(mail), outcome);
    return path.slice(this.drop.length + 1);
  }

  run(options: Partial<ProfileRunOptions> = {}): Promise<RunResult> {
    const { profile, archive, users } = this;
    const signal = new AbortController().signal;
    return runProfile({ profile, archive, users, clock: systemClock, signal, ...options });
  }

  /** Names in the drop folder, sorted. */
  files(): string[] {
    return Array.from(Deno.readDirSync(this.drop), ({ name }) => name).filter((name) => !name.startsWith(".")).sort();
  }

  /** Every archived mail's octets as text, with its users: "text → anna bert", sorted. */
  async archived(): Promise<string[]> {
    const mails: string[] = [];
    for await (const { sha256 } of this.archive.catalog.allMails()) {
      const octets = new TextDecoder().decode(await this.archive.store.read(sha256));
      const mail = await this.archive.catalog.mail(sha256);
      mails.push(`${octets} → ${mail?.users.join(" ")}`);
    }
    return mails.sort();
  }
}

/** Runs a test in a fresh room and removes it. */
export async function inRoom(test: (room: ArchiveRoom) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-ingest-" });
  const archive = await openArchive(join(folder, "archive"));
  const writer = await openDropWriter(join(folder, "drop"));
  try {
    await test(new ArchiveRoom(folder, writer, archive));
  } finally {
    await writer.close();
    archive.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** A small mail of that subject. */
export function mail(subject: string): string {
  return `From: anna@company.example\r\nSubject: ${subject}\r\n\r\nText of ${subject}\r\n`;
}
