/** Adds the same mails as every other process does, as captures of its own: `writer_process.ts ARCHIVE NAME`. */

import { openArchive } from "../../../src/archive/archive.ts";
import { sample } from "./samples.ts";

const [path = "", name = ""] = Deno.args;
const archive = await openArchive(path);
for (let batch = 0; batch < 10; batch++) {
  const captures = Array.from(
    { length: 20 },
    (_, index) => sample({ id: `${name}-${batch}-${index}`, mail: `mail ${batch} ${index}`, text: "words of a mail" }),
  );
  const batchOfStore = archive.store.batch();
  for (let index = 0; index < 20; index++) await batchOfStore.add(new TextEncoder().encode(`mail ${batch} ${index}`));
  await batchOfStore.flush();
  await archive.catalog.addCaptures(captures);
}
archive.close();
