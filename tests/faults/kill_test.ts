import { assert, assertEquals, assertGreater } from "@std/assert";
import { cutLives, type KillOptions } from "./kill.ts";
import {
  answersBeforeCommit,
  commitsBeforeAnswer,
  deduplicatesByMessageId,
  endsAtBareDot,
  ignoresShortWrites,
} from "./sown_bugs.ts";

Deno.test("a death at any step loses no mail that was accepted: clients in turn, one step after the other", async () => {
  for (let from = 0; from < 5; from++) {
    const { cuts, fired, violations } = await cutLives({ seed: 11 + from, cuts: 20, from: from * 71, atOnce: false });
    assertEquals(violations, []);
    assertEquals(fired, cuts, "a life wasn't cut");
  }
});

Deno.test("a death at any moment loses no mail that was accepted: clients at once", async () => {
  const { fired, violations } = await cutLives({ seed: 100, cuts: 100, atOnce: true });
  assertEquals(violations, []);
  assertGreater(fired, 80);
});

interface Sown {
  readonly sowing: NonNullable<KillOptions["sowing"]>;
  /** What the comparison has to say. */
  readonly sign: RegExp;
}

const SOWN: Readonly<Record<string, Sown>> = {
  "answers before the commit": { sowing: { writer: answersBeforeCommit }, sign: /upstream holds 1, and there are 0/ },
  "commits before the answer": { sowing: { writer: commitsBeforeAnswer }, sign: /copies say accepted, the upstream/ },
  "ignores short writes": { sowing: { files: ignoresShortWrites }, sign: /told accepted, and 0 copies/ },
  "ends DATA at LF.LF": { sowing: { fromClient: endsAtBareDot }, sign: /other octets than were sent/ },
  "deduplicates by Message-ID": { sowing: { archive: deduplicatesByMessageId }, sign: /no such capture/ },
};

for (const [name, { sowing, sign }] of Object.entries(SOWN)) {
  Deno.test(`cutLives() notices a program that ${name}`, async () => {
    const early = await cutLives({ seed: 7, cuts: 10, atOnce: true, sowing });
    const late = await cutLives({ seed: 7, cuts: 2, from: 300, atOnce: false, sowing });
    const said = [...early.violations, ...late.violations];
    assert(said.some((each) => sign.test(each)), `not noticed; said was:\n${said.join("\n")}`);
  });
}
