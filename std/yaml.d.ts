/** Parses one YAML document (YAML 1.2); throws SyntaxError with line and column. */
export function parse(
  content: string,
  options?: {
    schema?: "failsafe" | "json" | "core" | "default" | "extended";
    allowDuplicateKeys?: boolean;
  },
): unknown;
export function stringify(
  data: unknown,
  options?: { indent?: number; lineWidth?: number; skipInvalid?: boolean },
): string;
