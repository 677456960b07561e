import { assertEquals } from "@std/assert";
import { type Column, formatSize, formatTable, oneLine } from "../../../src/cli/table.ts";

interface Row {
  readonly name: string;
  readonly size: number;
}

const columns: readonly Column<Row>[] = [
  { title: "Name", text: ({ name }) => name, shrinks: true },
  { title: "Size", text: ({ size }) => String(size), align: "right" },
];

Deno.test("formatTable() aligns columns and ends lines without spaces", () => {
  const rows = [{ name: "a", size: 5 }, { name: "bcdef", size: 12345 }];
  assertEquals(formatTable(rows, columns, 80), "Name    Size\na          5\nbcdef  12345\n");
  assertEquals(formatTable([], columns, 80), "");
});

Deno.test("formatTable() shortens the column that gives way, by characters and not by code units", () => {
  const rows = [{ name: "ü😀".repeat(10), size: 1 }];
  assertEquals(formatTable(rows, columns, 16), "Name        Size\nü😀ü😀ü😀ü😀ü…     1\n");
  assertEquals(formatTable(rows, columns, 1), "Name      Size\nü😀ü😀ü😀ü…     1\n");
});

Deno.test("formatTable() doesn't let a cell drive the terminal", () => {
  assertEquals(
    formatTable([{ name: "a\x1b[31m\nb\u202ec", size: 1 }], columns, 80),
    "Name        Size\na [31m b c     1\n",
  );
});

Deno.test("oneLine() replaces runs of control and direction characters", () => {
  assertEquals(oneLine("a\r\n\tb\u2028c\u2066d"), "a b c d");
});

Deno.test("formatSize() rounds for people", () => {
  const sizes: readonly (readonly [bytes: number, text: string])[] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1000, "1.0 KB"],
    [12_345, "12.3 KB"],
    [345_678, "346 KB"],
    [3_400_000, "3.4 MB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of sizes) assertEquals(formatSize(bytes), text);
});
