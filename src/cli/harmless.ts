/**
 * Text from a mail as a terminal may show it: lines stay lines, tabs become spaces, and every other control, formatting or
 * direction character, with which a mail could drive the terminal or hide what it says, becomes U+FFFD.
 */
export function harmless(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll("\t", "    ")
    .replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff]/gu, "\ufffd");
}
