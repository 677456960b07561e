/**
 * The text of a query from a command's operands. A shell takes quotes away: an operand that holds several words and
 * neither a quote nor a `key:` is the phrase that was quoted.
 */
export function queryText(operands: readonly string[]): string {
  return operands.map((operand) => {
    const [, minus = "", words = ""] = /^(-?)(.*)$/s.exec(operand) ?? [];
    return /\s/.test(words.trim()) && !/["():]/.test(words) ? `${minus}"${words}"` : operand;
  }).join(" ");
}
