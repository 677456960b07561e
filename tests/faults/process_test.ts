/** The program as a process: killed at system calls, and its disk's power cut. The long forms are `deno task faults`. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { needPeer } from "../peers/peer.ts";
import { killArchivers } from "./archive_kill.ts";
import { cutImages } from "./image_cut.ts";
import { whyNoLoopMounts } from "./loop_image.ts";
import { killTraced } from "./traced_kill.ts";

const noLoopMounts = await whyNoLoopMounts();
if (noLoopMounts !== null) console.warn(`skipped: ${noLoopMounts}`);

Deno.test({
  ...needPeer("strace"),
  name: "SIGKILL at a system call loses no mail that was accepted, and the next start goes on",
  fn: async () => {
    const { fired, violations } = await killTraced({ seed: 3, cuts: 2 });
    assertEquals(violations, []);
    assertGreater(fired, 0, "no kill fired");
  },
});

Deno.test({
  ...needPeer("strace"),
  name: "killTraced() notices a program that answers before it has written",
  fn: async () => {
    const { violations } = await killTraced({ seed: 3, cuts: 1, sown: "answers before it has written" });
    assert(violations.length > 0);
  },
});

Deno.test({
  ...needPeer("strace"),
  name: "SIGKILL of two archivers on one drop folder leaves a sound archive, and in the end each capture once",
  fn: async () => {
    const { fired, violations } = await killArchivers({ seed: 3, cuts: 2 });
    assertEquals(violations, []);
    assertGreater(fired, 0, "no kill fired");
  },
});

Deno.test({
  ...needPeer("strace"),
  name: "killArchivers() notices an archiver that answers before it has written",
  fn: async () => {
    const { violations } = await killArchivers({ seed: 3, cuts: 1, sown: "answers before it has written" });
    assert(violations.length > 0);
  },
});

Deno.test({
  ignore: noLoopMounts !== null,
  name: "a power cut on ext4 loses no mail that was accepted or archived",
  fn: async () => {
    const { captures, violations } = await cutImages({ seed: 1, cuts: 4 });
    assertEquals(violations, []);
    assertGreater(captures, 20);
  },
});

Deno.test({
  ignore: noLoopMounts !== null,
  name: "cutImages() notices a program that omits the flush of content",
  fn: async () => {
    const { violations } = await cutImages({ seed: 1, cuts: 1, sown: "omits the flush of content" });
    assert(violations.some((each) => /told accepted, and 0 copies/.test(each)), violations.join("\n"));
  },
});
