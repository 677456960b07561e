/** Hashes of passwords by scrypt (RFC 7914), as text in the PHC string format: `$scrypt$ln=15,r=8,p=1$SALT$HASH`. */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { MailteeError } from "../base/errors.ts";

/** A hash and how it was made. */
export interface PasswordHash {
  /** Logarithm of the CPU and memory cost; memory is 128 · 2^costLog2 · blockSize bytes. */
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** 32 MiB, and about a tenth of a second. */
const NEW_HASH = { costLog2: 15, blockSize: 8, parallelization: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 128 MiB. More would let clients take the machine's memory by asking for logins. */
const MAX_MEMORY_BYTES = 2 ** 27;
const MAX_PARALLELIZATION = 16;
const FORM =
  /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,2}),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})={0,2}\$([A-Za-z0-9+/]{22,86})={0,2}$/;

/** The text of a new hash with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = new Uint8Array(randomBytes(SALT_BYTES));
  const hash = await derive(password, { ...NEW_HASH, salt, hash: new Uint8Array(HASH_BYTES) });
  const { costLog2, blockSize, parallelization } = NEW_HASH;
  return `$scrypt$ln=${costLog2},r=${blockSize},p=${parallelization}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Reads the text of a hash; null where it is none, or would take more than 128 MiB to check. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const [, costLog2, blockSize, parallelization, salt, hash] = FORM.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return null;
  try {
    const parsed: PasswordHash = {
      costLog2: Number(costLog2),
      blockSize: Number(blockSize),
      parallelization: Number(parallelization),
      salt: Uint8Array.fromBase64(salt),
      hash: Uint8Array.fromBase64(hash),
    };
    return memoryOf(parsed) <= MAX_MEMORY_BYTES && parsed.parallelization <= MAX_PARALLELIZATION ? parsed : null;
  } catch {
    return null; // a length that base64 doesn't have
  }
}

/** True where this is the password. Takes the same time for all passwords, and doesn't hold up the event loop. */
export async function verifyPassword(password: string, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, expected), expected.hash);
}

/** A hash that no password has, which takes as long to check as `like` does. */
export function impossibleHash(like: PasswordHash): PasswordHash {
  return { ...like, hash: new Uint8Array(randomBytes(like.hash.length)) };
}

/** One password may be typed in several Unicode forms. */
function derive(password: string, how: PasswordHash): Promise<Uint8Array> {
  const { costLog2, blockSize: r, parallelization: p, salt, hash } = how;
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** costLog2, r, p, maxmem: 2 * memoryOf(how) + 2 ** 20 };
    scrypt(password.normalize("NFKC"), salt, hash.length, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(new MailteeError("config", "a password hash can't be checked", { cause: error }));
    });
  });
}

function memoryOf({ costLog2, blockSize }: Pick<PasswordHash, "costLog2" | "blockSize">): number {
  return 128 * 2 ** costLog2 * blockSize;
}

function unpadded(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}
