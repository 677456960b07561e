/** What `parseArgs` takes; the subset of `@std/cli` that mailtee uses. */
export interface ParseOptions {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly collect?: readonly string[];
  readonly negatable?: readonly string[];
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  readonly default?: Readonly<Record<string, unknown>>;
  readonly stopEarly?: boolean;
  readonly "--"?: boolean;
  /** Called for an option that is not declared; false leaves it out of the result. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
export interface Args {
  readonly _: (string | number)[];
  readonly "--"?: string[];
  readonly [option: string]: unknown;
}
export function parseArgs(
  args: readonly string[],
  options?: ParseOptions,
): Args;
/** Asks for a secret on the terminal; null where there is no terminal. */
export function promptSecret(
  message?: string,
  options?: { mask?: string; clear?: boolean },
): string | null;
