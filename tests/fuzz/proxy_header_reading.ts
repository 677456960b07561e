/** How the PROXY header of a load balancer is read by a book that knows nothing of the program (HAProxy's proxy-protocol.txt). */

/** `client`: null where the load balancer speaks for itself. `rest`: what comes behind the header. */
export type ReadHeader =
  | { readonly kind: "header"; readonly client: ReadAddress | null; readonly rest: string }
  | { readonly kind: "more" }
  | { readonly kind: "malformed" };

/** `ip`: the sixteen octets of an IPv6 address in hex, where IPv4 addresses are mapped ones. */
export interface ReadAddress {
  readonly ip: string;
  readonly port: number;
}

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
/** Not of the book: no more than this is read of what comes behind the fixed part of version 2. */
const MOST_REST = 4096;
const MORE: ReadHeader = { kind: "more" };
const MALFORMED: ReadHeader = { kind: "malformed" };

/** Octets are characters up to U+00FF. */
export function readProxyHeader(text: string): ReadHeader {
  if (text.startsWith("PROXY ")) return readVersion1(text);
  if (text.startsWith(SIGNATURE)) return readVersion2(text);
  return "PROXY ".startsWith(text) || SIGNATURE.startsWith(text) ? MORE : MALFORMED;
}

function readVersion1(text: string): ReadHeader {
  const line = text.slice(0, 107).split("\n")[0] ?? "";
  if (line.length === Math.min(text.length, 107)) return line.length < 107 ? MORE : MALFORMED;
  // The book would let another CR pass behind UNKNOWN; no load balancer sends one.
  if (line.indexOf("\r") !== line.length - 1) return MALFORMED;
  const rest = text.slice(line.length + 1);
  const [, protocol = "", ...fields] = line.slice(0, -1).split(" ");
  if (protocol === "UNKNOWN") return { kind: "header", client: null, rest };
  const read = protocol === "TCP4" ? ipv4 : protocol === "TCP6" ? ipv6 : () => null;
  const [from = "", to = "", fromPort = "", toPort = "", ...more] = fields;
  const ip = read(from);
  const sound = ip !== null && read(to) !== null && isPort(fromPort) && isPort(toPort) && more.length === 0;
  return sound ? { kind: "header", client: { ip, port: Number(fromPort) }, rest } : MALFORMED;
}

function readVersion2(text: string): ReadHeader {
  if (text.length < 16) return MORE;
  const view = new DataView(Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer);
  const command = view.getUint8(12);
  const length = view.getUint16(14);
  if (command >> 4 !== 2 || (command & 15) > 1 || length > MOST_REST) return MALFORMED;
  if (text.length < 16 + length) return MORE;
  const rest = text.slice(16 + length);
  const family = view.getUint8(13);
  if (command === 0x20 || family === 0) return { kind: "header", client: null, rest };
  const octets = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (octets === 0 || length < 2 * octets + 4) return MALFORMED;
  const ip = hex(text.slice(16, 16 + octets));
  const port = view.getUint16(16 + 2 * octets);
  return { kind: "header", client: { ip: octets === 4 ? MAPPED + ip : ip, port }, rest };
}

const MAPPED = `${"0".repeat(20)}ffff`;

/** The octets of an address in its text form, whichever family; null where it's none. */
export function octetsOf(address: string): string | null {
  return ipv4(address) ?? ipv6(address.replace(/%.*$/, ""));
}

function ipv4(address: string): string | null {
  const numbers = address.split(".");
  const sound = numbers.length === 4 &&
    numbers.every((each) => /^(?:0|[1-9]\d{0,2})$/.test(each) && Number(each) < 256);
  return sound ? MAPPED + hex(String.fromCharCode(...numbers.map(Number))) : null;
}

function ipv6(address: string): string | null {
  const [, before = "", dotted] = /^(.*:)([\d.]+\.[\d.]+)$/.exec(address) ?? [];
  const tail = dotted === undefined ? null : ipv4(dotted)?.slice(-8);
  if (tail === undefined) return null;
  const text = tail === null ? address : `${before}${tail.slice(0, 4)}:${tail.slice(4)}`;
  const halves = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = halves.flat();
  if (halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  const missing = 8 - groups.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const [head = [], end = []] = halves;
  const whole = [...head, ...new Array<string>(missing).fill("0"), ...end];
  return whole.map((group) => group.padStart(4, "0").toLowerCase()).join("");
}

function isPort(digits: string): boolean {
  return String(Number.parseInt(digits, 10)) === digits && Number(digits) >= 0 && Number(digits) < 65_536;
}

function hex(text: string): string {
  return Array.from(text, (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
