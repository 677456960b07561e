/** What a load balancer sends before all else, or somebody who would like to be taken for one. */

import { octetsOf } from "./proxy_header_reading.ts";
import type { Random } from "./random.ts";

const IPV4 = ["192.0.2.7", "0.0.0.0", "255.255.255.255", "198.51.100.200"] as const;
const IPV6 = ["2001:db8::7", "::", "::1", "::ffff:192.0.2.9", "FE80:0:0:0:1:2:3:4", "2001:db8:1:2:3:4:5:6"] as const;
const PORTS = ["0", "1", "25", "56324", "65535"] as const;
const BROKEN = [
  "65536",
  "01",
  "-1",
  "+1",
  "",
  "1.2.3",
  "1.2.3.4.5",
  "::1::",
  "1:2:3:4:5:6:7:8:9",
  "fe80::1%eth0",
  "x",
] as const;
/** An IPv4 address as IPv6 has it. */
const MAPPED = `${"\0".repeat(10)}\xff\xff\xc0\0\x02\x07`;
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const CUTS = ["\r", "\n", " ", "\0", "\r\n", "\xff", "PROXY ", "9"] as const;

/** A header of either version, now and then with something amiss, or not there to its end. */
export function proxyHeaderText(random: Random): string {
  const text = random.oneIn(2) ? version1(random) : version2(random);
  if (!random.oneIn(3)) return text;
  const at = random.below(text.length + 1);
  switch (random.below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + random.of(CUTS) + text.slice(at);
    default:
      return text.slice(0, at) + random.of(CUTS) + text.slice(at + 1);
  }
}

/** A sound header for a client, in either version. */
export function proxyHeaderFor(random: Random, address: string, port: number): string {
  const isIpv4 = address.includes(".");
  if (random.oneIn(2)) {
    return `PROXY ${isIpv4 ? "TCP4" : "TCP6"} ${address} ${isIpv4 ? "192.0.2.9" : "::2"} ${port} 25\r\n`;
  }
  const octets = (octetsOf(address) ?? "").slice(isIpv4 ? -8 : 0).replace(
    /../g,
    (digits) => String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const addresses = `${octets}${anyOctets(random, octets.length)}${uint16(port)}${uint16(25)}`;
  const extensions = random.oneIn(3) ? `\x04${uint16(3)}abc` : "";
  return `${SIGNATURE}!${isIpv4 ? "\x11" : "!"}${
    uint16(addresses.length + extensions.length)
  }${addresses}${extensions}`;
}

function version1(random: Random): string {
  if (random.oneIn(8)) {
    return `PROXY UNKNOWN${random.of(["", " ", " ffff::1 ::1 1 2", " x".repeat(44), " x".repeat(50)])}\r\n`;
  }
  const addresses = random.oneIn(2) ? IPV4 : IPV6;
  const field = (right: readonly [string, ...string[]]) => random.oneIn(20) ? random.of(BROKEN) : random.of(right);
  const family = (addresses === IPV4) === !random.oneIn(20) ? "TCP4" : "TCP6";
  return `PROXY ${family} ${field(addresses)} ${field(addresses)} ${field(PORTS)} ${field(PORTS)}${lineEnd(random)}`;
}

function lineEnd(random: Random): string {
  return random.oneIn(15) ? random.of(["\n", "\r", "\r\r\n", " \r\n", "\n\r"]) : "\r\n";
}

function version2(random: Random): string {
  const [family, octets] = random.of<[string, number]>([["\x11", 4], ["\x21", 16], ["\0", 0], ["\x12", 4], [
    "\x31",
    216,
  ]]);
  const command = random.oneIn(8) ? random.of(["\x20", "\x22", "\x11", "\0"] as const) : "\x21";
  const addresses = anyOctets(random, 2 * octets) + anyOctets(random, octets === 0 ? 0 : 4);
  const extensions = random.oneIn(3) ? `\x04${uint16(3)}abc` : "";
  const length = random.oneIn(12)
    ? random.of([0, 1, 11, 35, 4096, 4097, 65_535])
    : addresses.length + extensions.length;
  return `${SIGNATURE}${command}${family}${uint16(length)}${addresses}${extensions}`;
}

function anyOctets(random: Random, count: number): string {
  if (count >= 32 && random.oneIn(3)) return MAPPED.padEnd(count, "\0");
  return Array.from({ length: count }, () => String.fromCharCode(random.below(256))).join("");
}

function uint16(number: number): string {
  return String.fromCharCode(number >> 8, number & 0xff);
}
