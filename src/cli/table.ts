/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: "left" | "right";
  /** The column that gives way when the table is wider than the terminal. */
  readonly shrinks?: boolean;
}

/** A table as text, two spaces between columns; "" where there are no rows. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string {
  if (rows.length === 0) return "";
  const cells = [columns.map((column) => column.title), ...rows.map((row) => columns.map((c) => oneLine(c.text(row))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => [...(row[index] ?? "")].length)));
  const excess = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  const shrinking = columns.findIndex((column) => column.shrinks);
  if (excess > 0 && shrinking >= 0) widths[shrinking] = Math.max(8, (widths[shrinking] ?? 0) - excess);
  return cells.map((row) =>
    row.map((cell, index) => fit(cell, widths[index] ?? 0, columns[index]?.align ?? "left")).join("  ").trimEnd()
  ).join("\n") + "\n";
}

/** Text from mails on one line: control characters, which could drive a terminal, become spaces. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ");
}

function fit(cell: string, width: number, align: "left" | "right"): string {
  const characters = [...cell];
  const shown = characters.length > width ? characters.slice(0, width - 1).join("") + "…" : cell;
  return align === "left" ? shown.padEnd(width) : shown.padStart(width);
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** A size for people: "812 bytes", "3.4 MB" (powers of 1000). */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
