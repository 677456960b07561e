/** The program's version, as in deno.json and CHANGELOG.md; a test holds them together. */
export const VERSION = "0.1.0";

/** Version, Deno version and target on one line. */
export function versionLine(): string {
  return `mailtee ${VERSION} (deno ${Deno.version.deno}, ${Deno.build.target})`;
}
