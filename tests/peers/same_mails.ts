import { assert, assertEquals } from "@std/assert";
import { decodeLatin1, toHex } from "../../src/base/bytes.ts";

const SHOWN_OCTETS = 400;

/** Fails unless both hold the same mails, byte for byte and equally often, in whatever order. */
export async function assertSameMails(
  actual: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  label: string,
): Promise<void> {
  const left = new Map<string, Uint8Array[]>();
  for (const mail of actual) {
    const hash = await hashOf(mail);
    left.set(hash, [...left.get(hash) ?? [], mail]);
  }
  for (const mail of expected) {
    const found = left.get(await hashOf(mail))?.pop();
    assert(found !== undefined, `${label}: missing is ${beginningOf(mail)}`);
  }
  assertEquals([...left.values()].flat().map(beginningOf), [], `${label}: too many`);
}

/** SHA-256 in hex. */
export async function hashOf(mail: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(mail))));
}

function beginningOf(mail: Uint8Array): string {
  return `${mail.length} octets: ${decodeLatin1(mail.subarray(0, SHOWN_OCTETS))}`;
}
