import { createHash } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARACTERS = 26;

/**
 * The id of an imported capture, in the form of a ULID: the same whenever the same mail is imported for the same users, so
 * that an import repeated adds nothing. Its time means nothing.
 */
export function importId(sha256: string, users: readonly string[]): string {
  const digest = createHash("sha256").update(JSON.stringify(["mailtee import", sha256, users.toSorted()])).digest();
  let text = "";
  for (const byte of digest.subarray(0, CHARACTERS)) text += ALPHABET[byte & 31];
  return (ALPHABET[ALPHABET.indexOf(text.charAt(0)) & 7] ?? "0") + text.slice(1);
}
