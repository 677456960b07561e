/** What `mailtee check` finds. */

export interface Finding {
  /**
   * error: `mailtee run` wouldn't work with this. warning: risky, or likely a mistake; exit code 1 with --strict.
   * note: good to know.
   */
  readonly severity: "error" | "warning" | "note";
  /** Stable, for scripts: "open-relay", "clear-text-login" … */
  readonly code: string;
  /** Where in the config: `proxies[0].target`. */
  readonly where: string;
  /** One or two plain sentences. */
  readonly text: string;
}

export function warning(code: string, where: string, text: string): Finding {
  return { severity: "warning", code, where, text };
}

export function note(code: string, where: string, text: string): Finding {
  return { severity: "note", code, where, text };
}

export function failure(code: string, where: string, text: string): Finding {
  return { severity: "error", code, where, text };
}
