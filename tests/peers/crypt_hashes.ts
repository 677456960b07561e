import { decodeUtf8 } from "../../src/base/bytes.ts";
import { passwordOf } from "./dovecot.ts";
import { runOrFail } from "./program.ts";

/** Users with crypt(3) hashes of the passwords that `passwordOf` gives them. */
export async function cryptHashes(users: readonly string[]): Promise<[user: string, hash: string][]> {
  const { stdout } = await runOrFail("openssl", { args: ["passwd", "-6", ...users.map(passwordOf)] });
  const hashes = decodeUtf8(stdout).trim().split("\n");
  return users.map((user, index) => [user, hashes[index] ?? ""]);
}
