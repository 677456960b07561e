/**
 * Makes the executable: `deno task compile` for this machine (dist/mailtee), `deno task compile TARGET` for another
 * (dist/mailtee-TARGET), `deno task compile all` for every supported one.
 */

import { dirname, fromFileUrl, join } from "@std/path";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** What the program may do. Not among it: to start other programs, or to load native libraries. */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** In MB, for each thread. Taking in 3,000 mails took 258 MB of memory with it and 332 without, and no more CPU. */
const YOUNG_GENERATION = "--v8-flags=--max-semi-space-size=8";

const repository = dirname(dirname(fromFileUrl(import.meta.url)));

async function compile(target: string | null): Promise<void> {
  const suffix = target === null ? "" : `-${target}`;
  const { code } = await new Deno.Command(Deno.execPath(), {
    cwd: repository,
    args: [
      ...["compile", "--no-check", YOUNG_GENERATION, ...PERMISSIONS, "--output", join("dist", `mailtee${suffix}`)],
      ...(target === null ? [] : ["--target", target]),
      // A worker's module is named by a URL, which the compiler doesn't follow.
      ...["--include", "src/app/profile_worker.ts", "--include", "src/message/extract_worker.ts"],
      "main.ts",
    ],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}

const [wanted, ...rest] = Deno.args;
if (rest.length > 0 || (wanted !== undefined && wanted !== "all" && !TARGETS.some((target) => target === wanted))) {
  console.error(`deno task compile [${TARGETS.join(" | ")} | all]`);
  Deno.exit(2);
}
for (const target of wanted === "all" ? TARGETS : [wanted ?? null]) await compile(target);
