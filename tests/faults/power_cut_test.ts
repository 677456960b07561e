import { assert, assertEquals, assertGreater } from "@std/assert";
import type { FileOps } from "../../src/base/files.ts";
import { cutDropFolders } from "./cut_drop_folder.ts";
import { cutStores } from "./cut_store.ts";
import {
  ignoresShortWrites,
  omitsDataFlush,
  omitsFolderFlush,
  omitsParentFlush,
  renamesBeforeFlush,
} from "./sown_bugs.ts";

Deno.test("a power cut at any moment loses no mail that was accepted", async () => {
  const { cuts, captures, violations } = await cutDropFolders({ seed: 1, records: 10, cutsPerRecord: 50 });
  assertEquals(violations, []);
  assertEquals(cuts, 500);
  assertGreater(captures, 2000);
});

const SOWN: Readonly<Record<string, (real: FileOps) => FileOps>> = {
  "omits the flush of content": omitsDataFlush,
  "omits the flush of folders": omitsFolderFlush,
  "omits the flush of the folders above": omitsParentFlush,
  "renames before the flush": renamesBeforeFlush,
  "ignores short writes": ignoresShortWrites,
};

for (const [name, sowing] of Object.entries(SOWN)) {
  Deno.test(`cutDropFolders() notices a program that ${name}`, async () => {
    const { violations } = await cutDropFolders({ seed: 1, records: 3, cutsPerRecord: 20, sowing });
    assert(violations.some((each) => /there are 0 copies|and 0 copies/.test(each)), violations.join("\n"));
  });
}

Deno.test("a power cut at any moment loses no mail that the store has flushed", async () => {
  const { captures, violations } = await cutStores({ seed: 1, records: 6, cutsPerRecord: 50 });
  assertEquals(violations, []);
  assertGreater(captures, 1000);
});

for (const [name, sowing] of Object.entries(SOWN)) {
  Deno.test(`cutStores() notices a store that ${name}`, async () => {
    const { violations } = await cutStores({ seed: 1, records: 3, cutsPerRecord: 30, sowing });
    assert(violations.length > 0);
  });
}
