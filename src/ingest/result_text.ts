import type { RunResult } from "./types.ts";

/** A result's counts on one line: `12 found, 10 archived, 1 already archived, 1 unassigned`; zeros but the first are left out. */
export function countsText(
  counts: Pick<RunResult, "found" | "archived" | "alreadyArchived" | "unassigned" | "failed"> & { deleted?: number },
): string {
  const parts: [number, string][] = [
    [counts.archived, "archived"],
    [counts.alreadyArchived, "already archived"],
    [counts.unassigned, "unassigned"],
    [counts.failed, "failed"],
    [counts.deleted ?? 0, "deleted"],
  ];
  return [`${counts.found} found`, ...parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)]
    .join(", ");
}
