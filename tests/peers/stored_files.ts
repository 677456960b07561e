import { join } from "@std/path";

/** What the files in a folder hold, in no particular order; nothing where there is no such folder so far. */
export async function filesIn(folder: string): Promise<Uint8Array<ArrayBuffer>[]> {
  return await Promise.all((await namesIn(folder)).map((name) => Deno.readFile(join(folder, name))));
}

/** The names of what a folder holds; none where there is no such folder so far. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
