import { assertEquals } from "@std/assert";
import { concatBytes, decodeLatin1, encodeUtf8 } from "../../../src/base/bytes.ts";
import { proxyHeader, takeProxyHeader } from "../../../src/net/proxy_header.ts";

const SIGNATURE = encodeUtf8("\r\n\r\n\0\r\nQUIT\n");
const IPV4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdd, 0x05, 0, 25];
const IPV6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 7],
  ...[0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 1],
  ...[0x01, 0xbb, 0, 25],
];
const MAPPED = [...new Array(10).fill(0), 255, 255, 192, 0, 2, 7, ...new Array(16).fill(0), 0, 1, 0, 25];

/** A header of version 2 whose length field is right unless it is given. */
function binary(command: number, family: number, rest: readonly number[], length = rest.length): Uint8Array {
  return concatBytes([SIGNATURE, Uint8Array.of(command, family, length >> 8, length & 0xff, ...rest)]);
}

/** PP2_TYPE_AUTHORITY and PP2_TYPE_NOOP. */
const TLVS = [0x02, 0, 3, 97, 46, 98, 0x04, 0, 2, 0, 0];

const sound: readonly [name: string, header: Uint8Array, client: string | null][] = [
  ["v1 TCP4", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 56581 25\r\n"), "192.0.2.7 56581"],
  ["v1 TCP6", encodeUtf8("PROXY TCP6 2001:DB8:0::7 2001:db8::1 443 25\r\n"), "2001:db8::7 443"],
  ["v1 mapped IPv4", encodeUtf8("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n"), "192.0.2.7 1"],
  ["v1 longest", encodeUtf8(`PROXY TCP6 ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`), null],
  ["v1 port 0", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n"), "192.0.2.7 0"],
  ["v1 UNKNOWN", encodeUtf8("PROXY UNKNOWN\r\n"), null],
  ["v1 UNKNOWN with more", encodeUtf8("PROXY UNKNOWN 1 2 3 anything\r\n"), null],
  ["v2 TCP4", binary(0x21, 0x11, IPV4), "192.0.2.7 56581"],
  ["v2 TCP4 with TLVs", binary(0x21, 0x11, [...IPV4, ...TLVS]), "192.0.2.7 56581"],
  ["v2 TCP6", binary(0x21, 0x21, IPV6), "2001:db8::7 443"],
  ["v2 TCP6 with TLVs", binary(0x21, 0x21, [...IPV6, ...TLVS]), "2001:db8::7 443"],
  ["v2 mapped IPv4", binary(0x21, 0x21, MAPPED), "192.0.2.7 1"],
  ["v2 LOCAL", binary(0x20, 0, []), null],
  ["v2 LOCAL with addresses", binary(0x20, 0x11, IPV4), null],
  ["v2 unspecified", binary(0x21, 0, TLVS), null],
];

const LONGEST_CLIENT = `${"ffff:".repeat(7)}ffff 65535`;

Deno.test("takeProxyHeader() reads both versions, whatever comes behind, and needs all of a header", () => {
  for (const [name, header, expected] of sound) {
    const client = name === "v1 longest" ? LONGEST_CLIENT : expected;
    for (const behind of ["", "EHLO client.example\r\n", "\n"]) {
      const scan = takeProxyHeader(concatBytes([header, encodeUtf8(behind)]));
      assertEquals(scan.kind, "header", name);
      if (scan.kind !== "header") continue;
      assertEquals(scan.consumed, header.length, name);
      assertEquals(scan.client === null ? null : `${scan.client.address} ${scan.client.port}`, client, name);
    }
    for (let length = 0; length < header.length; length++) {
      assertEquals(takeProxyHeader(header.subarray(0, length)).kind, "more", `${name}, ${length} bytes`);
    }
  }
});

const broken: readonly [name: string, bytes: Uint8Array][] = [
  ["a command", encodeUtf8("EHLO client.example\r\n")],
  ["a TLS handshake", Uint8Array.of(0x16, 3, 1)],
  ["lower case", encodeUtf8("proxy TCP4 192.0.2.7 198.51.100.1 1 25\r\n")],
  ["LF alone", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 1 25\n")],
  ["two spaces", encodeUtf8("PROXY  TCP4 192.0.2.7 198.51.100.1 1 25\r\n")],
  ["no port", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n")],
  ["more fields", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 1 25 9\r\n")],
  ["port too large", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n")],
  ["leading zero", encodeUtf8("PROXY TCP4 192.0.2.7 198.51.100.1 01 25\r\n")],
  ["other family", encodeUtf8("PROXY TCP4 2001:db8::7 198.51.100.1 1 25\r\n")],
  ["no address", encodeUtf8("PROXY TCP4 192.0.2.256 198.51.100.1 1 25\r\n")],
  ["IPv4 as IPv6", encodeUtf8("PROXY TCP6 192.0.2.7 ::1 1 25\r\n")],
  ["UDP", encodeUtf8("PROXY UDP4 192.0.2.7 198.51.100.1 1 25\r\n")],
  ["UNKNOWNS", encodeUtf8("PROXY UNKNOWNS\r\n")],
  ["without end", encodeUtf8(`PROXY UNKNOWN ${"x".repeat(93)}`)],
  ["v2, version 1", binary(0x11, 0x11, IPV4)],
  ["v2, command 2", binary(0x22, 0x11, IPV4)],
  ["v2, UDP", binary(0x21, 0x12, IPV4)],
  ["v2, a UNIX socket", binary(0x21, 0x31, new Array(216).fill(0))],
  ["v2, too short", binary(0x21, 0x11, IPV4.slice(0, -1))],
  ["v2, TCP6 too short", binary(0x21, 0x21, IPV4)],
  ["v2, too long", binary(0x21, 0x11, IPV4, 4097)],
];

Deno.test("takeProxyHeader() takes nothing else, at no split", () => {
  for (const [name, bytes] of broken) {
    assertEquals(takeProxyHeader(bytes).kind, "malformed", name);
    for (let length = 0; length < bytes.length; length++) {
      const { kind } = takeProxyHeader(bytes.subarray(0, length));
      assertEquals(kind === "header", false, `${name}, ${length} bytes`);
    }
  }
});

Deno.test("proxyHeader() names the client in one family, and is what takeProxyHeader() reads", () => {
  const cases: [remote: string, local: string, header: string][] = [
    ["192.0.2.7", "198.51.100.1", "PROXY TCP4 192.0.2.7 198.51.100.1 56581 25"],
    ["2001:db8::7", "2001:db8::1", "PROXY TCP6 2001:db8::7 2001:db8::1 56581 25"],
    ["192.0.2.7", "2001:db8::1", "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 56581 25"],
    ["2001:db8::7", "192.0.2.1", "PROXY TCP6 2001:db8::7 ::ffff:192.0.2.1 56581 25"],
    ["fe80::7%eth0", "fe80::1%eth0", "PROXY TCP6 fe80::7 fe80::1 56581 25"],
    ["nowhere", "192.0.2.1", "PROXY UNKNOWN"],
  ];
  for (const [remote, local, expected] of cases) {
    const header = proxyHeader({ address: remote, port: 56581 }, { address: local, port: 25 });
    assertEquals(decodeLatin1(header), `${expected}\r\n`);
    const scan = takeProxyHeader(header);
    const client = remote === "nowhere" ? null : { address: remote.replace("%eth0", ""), port: 56581 };
    assertEquals(scan, { kind: "header", client, consumed: header.length });
  }
});
