import { isPrivateOrLoopback, parseAddressList } from "../../net/address_list.ts";

const loopback = parseAddressList(["localhost"]);

/** True for this machine's own loopback, by address or as "localhost". */
export function isLoopback(host: string): boolean {
  return host === "localhost" || loopback.has(host);
}

/** True for this machine and private networks, as far as an address tells; false for other names. */
export function isNear(host: string): boolean {
  return host === "localhost" || isPrivateOrLoopback(host);
}
