import { MailteeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { ProfileConfig, ResolvedConfig } from "../config/types.ts";
import { runProfile } from "../ingest/run_profile.ts";
import type { Command, Invocation } from "./command.ts";
import { withArchive } from "./configured_archive.ts";
import type { ExitCode } from "./exit_code.ts";
import { LateProgress } from "./late_progress.ts";
import { exitCodeOfResult, printResult } from "./result_protocol.ts";

export const command: Command = {
  name: "archive",
  operands: "--profile NAME",
  operandCount: [0, 0],
  summary: "Takes the captures of a profile's drop folder into the archive and prints the result protocol.",
  description: `Each capture is archived once, however often it is offered. What can't be archived
stays in the drop folder and is named with the reason. Without --profile, the only
profile of the config is run.

Exit codes: 0 everything archived, 1 some mails were not, 75 try again later (another
run of the profile is under way, the disk is full, the run was interrupted).`,
  options: { profile: { value: "NAME", doc: "the profile to run" } },
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, clock, signal, options } = invocation;
  return await withArchive(invocation, "write", async (archive, config) => {
    const profile = chosenProfile(config, options.value("profile"));
    const bar = new LateProgress(terminal, profile.name);
    try {
      const result = await runProfile({
        profile,
        archive,
        users: config.archive.users,
        clock,
        signal,
        progress: (done, total, file) => bar.update(done, total, file),
      });
      bar.end();
      if (terminal.wantsJson) terminal.json(result);
      else printResult(result, terminal);
      return exitCodeOfResult(result);
    } finally {
      bar.end();
    }
  });
}

/** The profile of that name, or the only one. Throws MailteeError "usage". */
export function chosenProfile({ profiles, file }: ResolvedConfig, name: string | undefined): ProfileConfig {
  const names = Object.keys(profiles);
  const only = names.length === 1 ? names[0] : undefined;
  const profile = Object.hasOwn(profiles, name ?? only ?? "") ? profiles[name ?? only ?? ""] : undefined;
  if (profile !== undefined) return profile;
  if (names.length === 0) {
    throw new MailteeError("usage", `${file} has no profiles.`, { hint: "Add one: profiles: { nightly: {} }" });
  }
  const list = `The profiles are ${names.join(", ")}.`;
  if (name === undefined) throw new MailteeError("usage", "Which profile?", { hint: `Give --profile. ${list}` });
  const near = nearest(name, names);
  throw new MailteeError("usage", `There is no profile '${name}'.`, {
    hint: near === undefined ? list : `Did you mean '${near}'?`,
  });
}
