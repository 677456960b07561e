import { type Damage, type Leftover, verifyArchive } from "../archive/verify.ts";
import type { Command, Invocation } from "./command.ts";
import { SHOWN_ID_DIGITS, withArchive } from "./configured_archive.ts";
import { counted } from "./counted.ts";
import { ExitCode } from "./exit_code.ts";
import { LateProgress } from "./late_progress.ts";
import { localTime } from "./local_time.ts";
import { oneLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const command: Command = {
  name: "verify",
  operands: "",
  operandCount: [0, 0],
  summary: "Re-hashes every mail, compares store and catalog, and lists damage.",
  description: `Changes nothing. Exit code 3 where anything is damaged. Leftovers, such as a crash leaves
them, are counted but do no harm.`,
  options: {},
  run,
};

/** What a verification found. */
interface Findings {
  checked: number;
  readonly damages: Damage[];
  readonly leftovers: Leftover[];
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  return await withArchive(invocation, "read", async (archive) => {
    const findings: Findings = { checked: 0, damages: [], leftovers: [] };
    const bar = new LateProgress(terminal, "verify");
    try {
      for await (const event of verifyArchive(archive, { signal })) {
        if (event.kind === "damage") findings.damages.push(event.damage);
        else if (event.kind === "leftover") findings.leftovers.push(event.leftover);
        else bar.update(findings.checked = event.checked, event.total);
      }
    } finally {
      bar.end();
    }
    if (terminal.wantsJson) terminal.json(findingsDocument(findings));
    else print(findings, terminal);
    return findings.damages.length > 0 ? ExitCode.damage : ExitCode.done;
  });
}

function findingsDocument({ checked, damages, leftovers }: Findings): Record<string, unknown> {
  return {
    checked,
    damages: damages.map(({ code, reason, sha256, mail, captures }) => ({
      code,
      reason,
      id: sha256,
      subject: mail?.subject ?? null,
      users: mail?.users ?? [],
      captures,
    })),
    leftovers,
  };
}

function print({ checked, damages, leftovers }: Findings, terminal: Terminal): void {
  const verdict = damages.length === 0
    ? terminal.style("green", "no damage")
    : terminal.style("red", counted(damages.length, "damage"));
  terminal.print(`${counted(checked, "mail")} checked: ${verdict}.`);
  for (const damage of damages) terminal.print(damageText(damage, terminal));
  if (leftovers.length > 0) terminal.print(leftoversText(leftovers));
}

function damageText({ code, reason, sha256, mail, captures }: Damage, terminal: Terminal): string {
  const subject = sha256 === null ? "catalog" : sha256.slice(0, SHOWN_ID_DIGITS);
  const lines = [`  ${subject}  ${terminal.style("red", code)}: ${oneLine(reason)}`];
  if (mail !== null) {
    lines.push(`    ${localTime(mail.date)}, from ${oneLine(mail.from)}: ${oneLine(mail.subject)}`);
    lines.push(`    belongs to ${mail.users.map(oneLine).join(", ")}`);
  }
  lines.push(...captures.map(({ id, file }) => `    came by capture ${id}, ${oneLine(file)}`));
  return lines.join("\n");
}

const LEFTOVER_WORDS: Readonly<Record<Leftover["code"], string>> = {
  unknown: "not in the catalog",
  temporary: "in the making, or what a crash left of it",
  foreign: "not the archive's own",
};

function leftoversText(leftovers: readonly Leftover[]): string {
  const lines = Array.from(Map.groupBy(leftovers, ({ code }) => code), ([code, group]) => {
    const [first] = group;
    const more = group.length > 1 ? ", …" : "";
    return `  ${counted(group.length, "file")} ${LEFTOVER_WORDS[code]}: ${oneLine(first?.file ?? "")}${more}`;
  });
  return ["Leftovers, which do no harm:", ...lines].join("\n");
}
