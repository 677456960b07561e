import { fromFileUrl, join } from "@std/path";

/** The corpus of real mails beside the repository; null where it is missing. */
export const corpusFolder: string | null = existing(fromFileUrl(new URL("../../../../shared/corpus", import.meta.url)));

function existing(path: string): string | null {
  try {
    return Deno.statSync(path).isDirectory ? path : null;
  } catch {
    console.warn(`${path} is missing: tests that need the corpus are skipped`);
    return null;
  }
}

/** Paths of all its mails, sorted. */
export function corpusMails(folder: string): string[] {
  const paths: string[] = [];
  for (const source of Deno.readDirSync(folder)) {
    if (!source.isDirectory || source.name === "LICENSES") continue;
    for (const { name } of Deno.readDirSync(join(folder, source.name))) paths.push(join(folder, source.name, name));
  }
  return paths.sort();
}
