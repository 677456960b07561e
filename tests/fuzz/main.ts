/**
 * Fuzzes sessions in memory: `deno task fuzz --seed 1 --count 100000`. Stops with the seed of the first session that
 * goes wrong; `--seed` with that number and `--count 1` runs it again.
 */

import { parseArgs } from "@std/cli";
import { fuzzSession } from "./sessions.ts";

const PROGRESS_EVERY = 10_000;

const { seed, count } = parseArgs(Deno.args.filter((word) => word !== "--"), {
  string: ["seed", "count"],
  default: { seed: "1", count: "10000" },
});
const [first, sessions] = [Number(seed), Number(count)];
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(sessions)) {
  console.error("--seed and --count are whole numbers");
  Deno.exit(2);
}
let [inputs, mails] = [0, 0];
for (let done = 0; done < sessions; done++) {
  const tally = await fuzzSession(first + done);
  inputs += tally.inputs;
  mails += tally.mails;
  if ((done + 1) % PROGRESS_EVERY === 0) console.error(`${done + 1} sessions, ${inputs} inputs, ${mails} mails`);
}
console.log(
  `seeds ${first} to ${first + sessions - 1}: ${sessions} sessions, ${inputs} inputs, ${mails} mails, all right`,
);
