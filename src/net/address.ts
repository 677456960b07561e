import type { SocketAddress } from "./types.ts";

const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** An IP address as mailtee writes it: an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) becomes its IPv4 address. */
export function plainAddress(address: string): string {
  return MAPPED_IPV4.exec(address)?.[1] ?? address;
}

/** The address of a TCP socket. Throws TypeError for other kinds. */
export function socketAddress(address: Deno.Addr): SocketAddress {
  if (address.transport !== "tcp") throw new TypeError(`not a TCP address: ${address.transport}`);
  return { address: plainAddress(address.hostname), port: address.port };
}

/** `192.0.2.1:25`, `[2001:db8::1]:25`. */
export function formatAddress({ address, port }: SocketAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
