/**
 * Runs benches: all of them, or one group with its own options. The tables go to stdout; with `--write`, and always for
 * all of them, they also take the place of the old ones in docs/performance.md.
 *
 *     deno task bench [GROUP [OPTIONS]] [--write]
 */

import { fromFileUrl } from "@std/path";
import { runOrFail, runProgram } from "../tests/peers/program.ts";
import { harakaVersion } from "./haraka.ts";

const GROUPS = [
  ...["relay", "latency", "slow_disk", "pop3", "tls", "sessions", "busy", "memory", "start", "drop_writer", "ingest"],
  "search",
];

const here = (path: string) => fromFileUrl(new URL(path, import.meta.url));
const PAGE = here("../docs/performance.md");

const [first, ...rest] = Deno.args.filter((arg) => arg !== "--write");
const chosen = GROUPS.filter((group) => first === undefined || first === group);
if (chosen.length === 0) {
  console.error(`There is no group '${first}'. Groups: ${GROUPS.join(", ")}`);
  Deno.exit(2);
}

const failed: string[] = [];
for (const group of chosen) {
  console.error(`${new Date().toISOString()} ${group}`);
  const script = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", here(`./${group}.ts`), ...rest],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  });
  const { code, stdout } = await script.output();
  const tables = new TextDecoder().decode(stdout).trim();
  console.log(tables);
  if (code !== 0) {
    failed.push(group);
    continue;
  }
  if (first === undefined || Deno.args.includes("--write")) await replaceTables(group, rest, tables);
}
if (failed.length > 0) {
  console.error(`Failed, and not written into the page: ${failed.join(", ")}`);
  Deno.exit(1);
}

/** Puts tables between the page's comments `<!-- bench GROUP -->` and `<!-- end -->`. */
async function replaceTables(group: string, options: readonly string[], tables: string): Promise<void> {
  const page = await Deno.readTextFile(PAGE);
  const begin = page.indexOf(`<!-- bench ${group} -->`);
  const end = page.indexOf("<!-- end -->", begin);
  if (begin < 0 || end < 0) throw new Error(`docs/performance.md has no place for ${group}`);
  const command = ["deno task bench", group, ...options].join(" ");
  const text = `<!-- bench ${group} -->\n\n\`${command}\`, ${await machine()}\n\n${tables}\n\n`;
  await Deno.writeTextFile(PAGE, page.slice(0, begin) + text + page.slice(end));
  await runOrFail(Deno.execPath(), { args: ["fmt", "--quiet", PAGE] });
}

/** The machine and the versions in one line. */
async function machine(): Promise<string> {
  const model = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  const version = async (binary: string, args: string[], pattern: RegExp) => {
    try {
      const { stdout, stderr } = await runProgram(binary, { args });
      return pattern.exec(new TextDecoder().decode(stdout) + stderr)?.[1];
    } catch {
      return undefined;
    }
  };
  const programs = [
    ["Linux", Deno.osRelease()],
    ["Deno", Deno.version.deno],
    ["haproxy", await version("haproxy", ["-v"], /version (\d[\d.]*)/)],
    ["nginx", await version("nginx", ["-v"], /nginx\/(\S+)/)],
    ["Postfix", await version("postconf", ["-d", "mail_version"], /= (\S+)/)],
    ["Dovecot", await version("dovecot", ["--version"], /^(\S+)/)],
    ["Haraka", harakaVersion()],
    ["perdition", await version("perdition", ["--help"], /version (\S+)/)],
    ["mpop", await version("mpop", ["--version"], /version (\S+)/)],
    ["notmuch", await version("notmuch", ["--version"], /notmuch (\S+)/)],
    ["mu", await version("mu", ["--version"], /version (\S+)/)],
  ].filter(([, number]) => number !== undefined).map((pair) => pair.join(" "));
  return `${navigator.hardwareConcurrency} × ${model}, ${memory} GiB; ${programs.join(", ")}`;
}
