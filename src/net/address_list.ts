import { BlockList, isIP } from "node:net";
import { MailteeError } from "../base/errors.ts";
import { plainAddress } from "./address.ts";
import type { AddressList } from "./types.ts";

/** What the words in a list stand for. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.0/8", "::1"],
  private: [
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8", // RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16", // RFC 3927
    "fc00::/7", // RFC 4193
    "fe80::/10", // RFC 4291 section 2.5.6
  ],
};

/**
 * Reads a list of addresses ("192.0.2.1", "2001:db8::1"), ranges ("192.168.0.0/16", "fd00::/8") and the words
 * "localhost" and "private". Throws MailteeError "config" that names the first entry that is neither.
 */
export function parseAddressList(entries: readonly string[]): AddressList {
  const ranges = new BlockList();
  for (const entry of entries) {
    for (const range of WORDS[entry.trim().toLowerCase()] ?? [entry]) addRange(ranges, range);
  }
  // Who connects once connects again: to look an address up took 2 % of a session without a mail.
  let last = { address: "", isIn: false };
  return {
    has(address) {
      if (address !== last.address) last = { address, isIn: isIn(address) };
      return last.isIn;
    },
  };

  function isIn(address: string): boolean {
    const plain = plainAddress(address.replace(/%.*$/, ""));
    const version = isIP(plain);
    return version !== 0 && ranges.check(plain, version === 4 ? "ipv4" : "ipv6");
  }
}

function addRange(ranges: BlockList, entry: string): void {
  const [address = "", bits, ...more] = entry.trim().split("/");
  const version = isIP(address);
  const width = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
  if (version === 0 || more.length > 0 || !(prefix <= width)) {
    throw new MailteeError("config", `"${entry}" is no address, range or word that an address list can have`, {
      hint: `Write an address (192.0.2.1), a range (192.168.0.0/16, fd00::/8), "localhost" or "private".`,
    });
  }
  ranges.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
}

const privateAddresses = parseAddressList(["private"]);

/** True for addresses that can't be reached from the internet: loopback, RFC 1918, link-local, unique local. */
export function isPrivateOrLoopback(address: string): boolean {
  return privateAddresses.has(address);
}
