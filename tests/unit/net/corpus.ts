import { fromFileUrl, join } from "@std/path";

const CORPUS = fromFileUrl(new URL("../../../../shared/corpus", import.meta.url));

/** The mails beside the repository; none where they are missing. */
export function corpusFiles(): string[] {
  try {
    return [...walk(CORPUS)].sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function* walk(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* walk(path);
    else if (entry.name.endsWith(".eml")) yield path;
  }
}
