/**
 * The header that a load balancer puts before a client's own bytes to say who the client is: the PROXY protocol of
 * HAProxy, version 1 (text) and 2 (binary), read and written. Pure. https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */

import { isIP } from "node:net";
import { decodeLatin1, encodeUtf8 } from "../base/bytes.ts";
import type { Connection, SocketAddress, TargetOptions } from "./types.ts";

/** What `takeProxyHeader` found at the start of a buffer. */
export type ProxyHeaderScan =
  | {
    readonly kind: "header";
    /** Null where the load balancer speaks for itself (LOCAL, a health check) or can't tell (UNKNOWN). */
    readonly client: SocketAddress | null;
    readonly consumed: number;
  }
  | { readonly kind: "more" }
  | { readonly kind: "malformed"; readonly problem: string };

const V1_PREFIX = encodeUtf8("PROXY ");
/** Section 2.1: the longest line, CRLF included. */
const V1_MAX_BYTES = 107;
const V1_LINE = /^PROXY (?:UNKNOWN(?: .*)?|(TCP[46]) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) (\d{1,5}) (\d{1,5}))$/;

const V2_SIGNATURE = encodeUtf8("\r\n\r\n\0\r\nQUIT\n");
const V2_FIXED_BYTES = 16;
/** Addresses and TLVs; what load balancers send stays far below, even with a client's certificate names. */
const V2_MAX_REST_BYTES = 4096;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_UNSPECIFIED = 0x00;
const V2_TCP4 = 0x11;
const V2_TCP6 = 0x21;

const LF = 10;
const MORE: ProxyHeaderScan = { kind: "more" };
const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** What the PROXY header of a connection without a client says. */
export const clientlessProxyHeader: Uint8Array<ArrayBuffer> = encodeUtf8("PROXY UNKNOWN\r\n");

/**
 * The header, of version 1, which all servers understand, for a client.
 *
 * @param local the address that the client has connected to
 */
export function proxyHeader(remote: SocketAddress, local: SocketAddress): Uint8Array<ArrayBuffer> {
  const addresses = [remote, local].map(({ address }) => address.replace(/%.*$/, ""));
  const versions = addresses.map(isIP);
  if (versions.includes(0)) return clientlessProxyHeader;
  // One family for both ends: the other end of an IPv6 client may have become known as IPv4.
  const family = versions.includes(6) ? "TCP6" : "TCP4";
  const [source, destination] = addresses.map((address, index) =>
    family === "TCP6" && versions[index] === 4 ? `::ffff:${address}` : address
  );
  return encodeUtf8(`PROXY ${family} ${source} ${destination} ${remote.port} ${local.port}\r\n`);
}

/** A target that hears of a connection's client by a header of version 1. */
export function withProxyHeader(target: TargetOptions, { remote, local }: Connection): TargetOptions {
  return { ...target, preamble: proxyHeader(remote, local) };
}

/** Reads the header that a buffer has to begin with, in either version. TLVs of version 2 are skipped. */
export function takeProxyHeader(buffer: Uint8Array): ProxyHeaderScan {
  if (beginsAlike(buffer, V1_PREFIX)) return takeVersion1(buffer);
  if (beginsAlike(buffer, V2_SIGNATURE)) return takeVersion2(buffer);
  return malformed("it doesn't begin with a PROXY header");
}

/** True where the shorter of both is the beginning of the other. */
function beginsAlike(buffer: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.subarray(0, buffer.length).every((byte, index) => buffer[index] === byte);
}

function takeVersion1(buffer: Uint8Array): ProxyHeaderScan {
  const lineFeed = buffer.subarray(0, V1_MAX_BYTES).indexOf(LF);
  if (lineFeed < 0) return buffer.length < V1_MAX_BYTES ? MORE : malformed("its PROXY line is too long");
  const line = decodeLatin1(buffer.subarray(0, lineFeed + 1));
  const fields = line.endsWith("\r\n") ? V1_LINE.exec(line.slice(0, -2)) : null;
  if (fields === null) return malformed("its PROXY line can't be understood");
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = ""] = fields;
  const consumed = lineFeed + 1;
  if (family === undefined) return { kind: "header", client: null, consumed };
  const version = family === "TCP4" ? 4 : 6;
  const sound = isIP(source) === version && isIP(destination) === version && isPort(sourcePort) &&
    isPort(destinationPort);
  if (!sound) return malformed("its PROXY line has an address or port that is none");
  const address = version === 4 ? source : plainIpv6(source);
  return { kind: "header", client: { address, port: Number(sourcePort) }, consumed };
}

function isPort(digits: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(digits) && Number(digits) <= 65_535;
}

function takeVersion2(buffer: Uint8Array): ProxyHeaderScan {
  if (buffer.length < V2_FIXED_BYTES) return MORE;
  const [command = 0, family = 0] = buffer.subarray(12);
  if (command !== V2_LOCAL && command !== V2_PROXY) return malformed("its PROXY header has an unknown command");
  const rest = uint16(buffer, 14);
  if (rest > V2_MAX_REST_BYTES) return malformed("its PROXY header is too long");
  const consumed = V2_FIXED_BYTES + rest;
  if (buffer.length < consumed) return MORE;
  if (command === V2_LOCAL || family === V2_UNSPECIFIED) return { kind: "header", client: null, consumed };
  if (family !== V2_TCP4 && family !== V2_TCP6) return malformed("its PROXY header isn't for TCP over IP");
  const width = family === V2_TCP4 ? 4 : 16;
  if (rest < 2 * width + 4) return malformed("its PROXY header is too short for its addresses");
  const source = buffer.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + width);
  const port = uint16(buffer, V2_FIXED_BYTES + 2 * width);
  return { kind: "header", client: { address: addressOf(source), port }, consumed };
}

function addressOf(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => uint16(octets, 2 * index).toString(16));
  return plainIpv6(groups.join(":"));
}

/** The one spelling of an IPv6 address (RFC 5952), or the IPv4 address that is mapped into it. */
function plainIpv6(address: string): string {
  const spelled = new URL(`tcp://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED_IPV4.exec(spelled) ?? [];
  if (high === undefined || low === undefined) return spelled;
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [upper >> 8, upper & 0xff, lower >> 8, lower & 0xff].join(".");
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function malformed(problem: string): ProxyHeaderScan {
  return { kind: "malformed", problem };
}
