/** Mistakes that no value has by itself, only several together. */

import type { Mistake } from "./mistakes.ts";
import type { ProxyConfig } from "./types.ts";

/** Two listeners on one address and port; the system would refuse the second. */
export function listenerMistakes(
  proxies: readonly { readonly index: number; readonly proxy: Pick<ProxyConfig, "listen"> }[],
): Mistake[] {
  const first = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const { index, proxy } of proxies) {
    proxy.listen.forEach(({ address, port }, at) => {
      const path = `proxies[${index}].listen[${at}]`;
      const place = `${address === "localhost" ? "127.0.0.1" : address.toLowerCase()} port ${port}`;
      const other = first.get(place);
      if (other === undefined) first.set(place, path);
      else if (port !== 0) mistakes.push({ path, problem: `${place} is taken by ${other} already.` });
    });
  }
  return mistakes;
}

/** A name that two items of the list at `path` bear: reports, searches and the archive couldn't tell them apart. */
export function nameMistakes(
  items: readonly { readonly index: number; readonly name: string | undefined }[],
  path: string,
): Mistake[] {
  return items.flatMap(({ index, name }) => {
    const first = items.find((other) => name !== undefined && other.name === name);
    if (first === undefined || first.index === index) return [];
    const problem = `${JSON.stringify(name)} is the name of ${path}[${first.index}] already.`;
    return [{ path: `${path}[${index}].name`, problem }];
  });
}

/** Profiles without an archive, and a config without anything to do. */
export function missingPartMistakes(document: unknown): Mistake[] {
  const has = (key: string) => {
    if (typeof document !== "object" || document === null) return true;
    const value = new Map(Object.entries(document)).get(key);
    return typeof value === "object" && value !== null && Object.keys(value).length > 0;
  };
  if (has("archive")) return [];
  if (has("profiles")) {
    return [{
      path: "archive",
      problem: "is missing: the profiles have nowhere to put mails. archive: { path } names it.",
    }];
  }
  return has("proxies") ? [] : [{ path: "", problem: "there are neither proxies nor an archive, so nothing to do." }];
}
