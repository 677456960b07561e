/** The program as a process on a disk that fails: mails are tried, and the ledgers compared after the next start. */

import { assertEquals, assertMatch } from "@std/assert";
import { openDropWriter } from "../../src/drop/writer.ts";
import { type RunningProgram, startProgram, until } from "../peers/program.ts";
import { fetchMails, sendMails, type ToldMail } from "./clients.ts";
import { type InstalledOptions, type InstalledProgram, installProgram, type Launch } from "./installed_program.ts";
import { type Ending, readCopies, violations } from "./ledgers.ts";
import { makeMail } from "./mails.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** The program at work, and what clients were told by it. */
export interface Stage {
  readonly folder: string;
  readonly program: InstalledProgram;
  readonly running: RunningProgram;
  readonly upstream: Upstream;
  readonly told: ToldMail[];
  /** Sends a mail and fetches one; gives the replies that decided. */
  try(): Promise<{ smtp: string; pop3: string }>;
}

/** Runs a test beside the program, and compares the ledgers after the next start. */
export async function withProgram(
  options: Omit<InstalledOptions, "folder" | "upstream">,
  test: (stage: Stage) => Promise<void>,
  { ending = "killed", launch = {} }: { readonly ending?: Ending; readonly launch?: Launch } = {},
): Promise<void> {
  const place = await Deno.makeTempDir({ prefix: "mailtee-disk-" });
  const upstream = startUpstream();
  const told: ToldMail[] = [];
  let count = 0;
  try {
    const program = await installProgram({ folder: place, upstream, schedule: null, ...options });
    const running = await program.run(launch);
    const attempt = async () => {
      const [sent, fetched] = [
        makeMail(`try${++count}-sent`, Math.random),
        makeMail(`try${count}-fetched`, Math.random),
      ];
      upstream.mailbox.splice(0, Infinity, fetched);
      const first = told.length;
      await sendMails({ port: program.smtpPort, mails: [sent] }, told);
      await fetchMails(program.pop3Port, new Map([[fetched.token, fetched]]), told);
      return { smtp: told[first]?.reply ?? "", pop3: told[first + 1]?.reply ?? "" };
    };
    try {
      await test({ folder: place, program, running, upstream, told, try: attempt });
    } finally {
      await running.stop();
    }
    if (options.proxy?.onCaptureFailure === "pass") return;
    await (await openDropWriter(program.drop)).close();
    const copies = await readCopies(program.drop);
    assertEquals(violations({ told, held: upstream.held, ...copies }, ending), []);
  } finally {
    await upstream.close();
    await Deno.remove(place, { recursive: true });
  }
}

export const FINE = { smtp: /^250/, pop3: /^\+OK/ };
export const REFUSED = { smtp: /^45[12] 4\.3/, pop3: /^-ERR \[SYS\/TEMP\]/ };

export async function expectReplies(stage: Stage, expected: typeof FINE): Promise<void> {
  const { smtp, pop3 } = await stage.try();
  assertMatch(smtp, expected.smtp);
  assertMatch(pop3, expected.pop3);
}

/** Tries until mails are taken again, without doing anything for it. */
export async function recovers(stage: Stage): Promise<void> {
  await until(
    async () => FINE.smtp.test((await stage.try()).smtp),
    () => `no mail is taken:\n${stage.running.output()}`,
  );
  await expectReplies(stage, FINE);
}

/** What the system says to calls of these kinds, as long as this goes on; with `path`, to those for that file alone. */
export interface SystemFault {
  /** As strace takes them: `write,pwrite64`. */
  readonly calls: string;
  /** `EIO`. */
  readonly error: string;
  readonly path?: string;
  /** Which of a thread's calls fail: `3+` for the third and all after it. @default all */
  readonly when?: string;
}

/** strace's arguments for a fault. */
export function straceArguments({ calls, error, path, when }: SystemFault): string[] {
  const inject = `inject=${calls}:error=${error}${when === undefined ? "" : `:when=${when}`}`;
  return ["-f", ...path === undefined ? [] : ["-P", path], "-e", `trace=${calls}`, "-e", inject];
}

/** Lets a running program meet a fault while `work` is done; rejects where it didn't. */
export async function whileFailing(pid: number, fault: SystemFault, work: () => Promise<void>): Promise<void> {
  const strace = startProgram("strace", { args: ["-p", `${pid}`, ...straceArguments(fault)] });
  try {
    await strace.waitFor((output) => output.includes("attached"));
    await work();
    await strace.waitFor((output) => output.includes("(INJECTED)"));
  } finally {
    await strace.stop();
  }
}
