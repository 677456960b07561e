/** Shakes hands with localhost as whoever trusts what the system trusts, and says how that went: `… PORT`. */

import { errorText } from "../../../src/base/errors.ts";
import { dial } from "../../../src/net/dial.ts";

const port = Number(Deno.args[0]);
try {
  const target = {
    host: "localhost",
    port,
    tls: "implicit",
    trust: { kind: "system" },
    connectTimeoutMs: 20_000,
  } as const;
  (await dial(target)).close();
  console.log("trusted");
} catch (error) {
  console.log(errorText(error));
}
