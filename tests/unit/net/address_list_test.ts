import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { isPrivateOrLoopback, parseAddressList } from "../../../src/net/address_list.ts";

Deno.test("parseAddressList() takes addresses, ranges and words", () => {
  const cases: [entries: string[], inside: string[], outside: string[]][] = [
    [["192.0.2.1"], ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2", "::1"]],
    [["192.168.0.0/16"], ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]],
    [["192.168.7.9/24"], ["192.168.7.0", "192.168.7.255"], ["192.168.8.0"]],
    [["2001:db8::/32"], ["2001:db8::1", "2001:DB8:ffff::"], ["2001:db9::", "192.0.2.1"]],
    [["fe80::1"], ["fe80::1", "fe80::1%eth0", "fe80:0:0::1"], ["fe80::2"]],
    [["0.0.0.0/0"], ["203.0.113.9", "::ffff:203.0.113.9"], ["2001:db8::1"]],
    [["::/0"], ["2001:db8::1"], []],
    [["localhost"], ["127.0.0.1", "127.8.8.8", "::1"], ["128.0.0.1", "::2"]],
    [[" Private "], ["10.1.2.3", "172.31.0.1", "192.168.1.1", "fd12::1", "fe80::9", "::1"], ["172.32.0.1", "8.8.8.8"]],
    [["10.0.0.1", "::1"], ["10.0.0.1", "::1"], ["10.0.0.2"]],
    [[], [], ["127.0.0.1", "::1"]],
  ];
  for (const [entries, inside, outside] of cases) {
    const list = parseAddressList(entries);
    for (const address of inside) assertEquals(list.has(address), true, `${entries} has ${address}`);
    for (const address of outside) assertEquals(list.has(address), false, `${entries} lacks ${address}`);
  }
});

Deno.test("has() is false for what is no address", () => {
  const list = parseAddressList(["0.0.0.0/0", "::/0"]);
  for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5"]) assertEquals(list.has(text), false);
});

Deno.test("parseAddressList() names the entry that it can't take", () => {
  const bad = [
    "192.168.0.0/33",
    "::/129",
    "192.168.0.0/",
    "192.168.0.0/-1",
    "192.168.0.0/8/8",
    "192.168.0",
    "mail.example.org",
    "",
    "10.0.0.1-10.0.0.9",
    "10.0.0.0/255.0.0.0",
  ];
  for (const entry of bad) {
    const error = assertThrows(() => parseAddressList(["10.0.0.1", entry]), MailteeError);
    assertEquals(error.code, "config");
    assertStringIncludes(error.message, `"${entry}"`);
  }
});

Deno.test("isPrivateOrLoopback() knows what the internet can't reach", () => {
  for (const address of ["127.0.0.1", "::1", "10.0.0.1", "169.254.1.1", "fc00::1", "::ffff:192.168.0.1"]) {
    assertEquals(isPrivateOrLoopback(address), true, address);
  }
  for (const address of ["203.0.113.1", "2001:db8::1", "0.0.0.0", "::"]) {
    assertEquals(isPrivateOrLoopback(address), false, address);
  }
});
