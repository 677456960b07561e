import { assertEquals } from "@std/assert";
import { compileAddressPatterns, normalizeAddress } from "../../../src/message/addresses.ts";

Deno.test("normalizeAddress() gives one spelling for what compares as equal", () => {
  const table: readonly (readonly [string, string])[] = [
    ["Anna@Company.Example", "anna@company.example"],
    [" <anna@company.example> ", "anna@company.example"],
    ['"anna"@company.example', "anna@company.example"],
    ['"anna.b"@company.example', "anna.b@company.example"],
    ['"an na"@company.example', '"an na"@company.example'],
    ["anna@company.example.", "anna@company.example"],
    ["anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@Bücher.example", "anna@xn--bcher-kva.example"],
    ["anna@BU\u0308CHER.example", "anna@xn--bcher-kva.example"],
    ["Jürgen@company.example", "jürgen@company.example"],
    ["anna@[192.0.2.1]", "anna@[192.0.2.1]"],
    ["*@Company.example", "*@company.example"],
    ["m12345-1", "m12345-1"],
    ["a@b@company.example", "a@b@company.example"],
    ["", ""],
  ];
  for (const [spelled, normal] of table) assertEquals(normalizeAddress(spelled), normal, spelled);
});

const owners = [
  { name: "anna", addresses: ["anna@company.example", "info@company.example"], pop3Users: ["m12345-1"] },
  { name: "ben", addresses: ["Ben@Company.example", "ben+*@company.example", "info@company.example"], pop3Users: [] },
  { name: "all", addresses: ["*@company.example"], pop3Users: [] },
  { name: "sub", addresses: ["*@*.company.example", "a*b*c@other.example"], pop3Users: ["Sammel"] },
  { name: "books", addresses: ["*@bücher.example"], pop3Users: [] },
];

Deno.test("compileAddressPatterns() finds the owners of an address", () => {
  const lookup = compileAddressPatterns(owners);
  const table: readonly (readonly [string, readonly string[]])[] = [
    ["anna@company.example", ["all", "anna"]],
    ["ANNA@COMPANY.EXAMPLE", ["all", "anna"]],
    ["info@company.example", ["all", "anna", "ben"]],
    ["ben@company.example", ["all", "ben"]],
    ["ben+list@company.example", ["all", "ben"]],
    ["ben+@company.example", ["all", "ben"]],
    ["benno@company.example", ["all"]],
    ["x@mail.company.example", ["sub"]],
    ["x@company.example.org", []],
    ["x@notcompany.example", []],
    ["abc@other.example", ["sub"]],
    ["a-b-c@other.example", ["sub"]],
    ["acb@other.example", []],
    ["abb@other.example", []],
    ["x@xn--bcher-kva.example", ["books"]],
    ["m12345-1", []],
    ["", []],
  ];
  for (const [address, names] of table) assertEquals(lookup.ownersOf(address), names, address);
});

Deno.test("compileAddressPatterns() doesn't let the pieces of a pattern overlap", () => {
  const lookup = compileAddressPatterns([{ name: "x", addresses: ["aba*bab@x.example"], pop3Users: [] }]);
  assertEquals(lookup.ownersOf("abab@x.example"), []);
  assertEquals(lookup.ownersOf("ababab@x.example"), ["x"]);
});

Deno.test("compileAddressPatterns() finds POP3 users among POP3 users and addresses", () => {
  const lookup = compileAddressPatterns(owners);
  assertEquals(lookup.ownersOfPop3User("M12345-1"), ["anna"]);
  assertEquals(lookup.ownersOfPop3User("sammel"), ["sub"]);
  assertEquals(lookup.ownersOfPop3User("ben@company.example"), ["all", "ben"]);
  assertEquals(lookup.ownersOfPop3User("nobody"), []);
});

Deno.test("compileAddressPatterns() takes names from objects for what they are", () => {
  const lookup = compileAddressPatterns([{ name: "x", addresses: ["constructor@x.example"], pop3Users: ["toString"] }]);
  assertEquals(lookup.ownersOf("constructor@x.example"), ["x"]);
  assertEquals(lookup.ownersOfPop3User("constructor"), []);
  assertEquals(lookup.ownersOfPop3User("tostring"), ["x"]);
});
