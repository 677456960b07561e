/** A short form of `deno task faults network-chaos`, and the bugs that it has to notice. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { needPeer } from "../peers/peer.ts";
import { runChaos } from "./chaos.ts";

Deno.test({
  ...needPeer("openssl", "/proc/self/status"),
  name: "chaos on the network loses no mail that was accepted, and leaves nothing open",
  fn: async () => {
    const { struck, accepted, captures, violations } = await runChaos({ seed: 1, ms: 0, roundMs: 5000 });
    assertEquals(violations, []);
    assertGreater(struck, 0, "no connection met trouble");
    assertGreater(accepted, 0, "no mail passed");
    assertGreater(captures, 0, "nothing was compared");
  },
});

const SOWN = {
  "keeps some connections to targets": /connections stay open/,
  "keeps some files open": /files stay open/,
  "forgets all time limits": /connections stay open/,
};

Deno.test({
  ...needPeer("openssl", "/proc/self/status"),
  name: "runChaos() notices programs that keep connections or files open, or forget time limits",
  fn: async () => {
    await Promise.all(
      Object.entries(SOWN).map(async ([sown, sign]) => {
        const { violations } = await runChaos({ seed: 1, ms: 0, roundMs: 1000, restMs: 10_000, sown });
        const said = violations.join("\n");
        assert(violations.some((each) => sign.test(each)), `a program that ${sown} wasn't noticed; said was:\n${said}`);
      }),
    );
  },
});
