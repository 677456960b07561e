/** Who has logged in at the proxy, by a book that knows nothing of the program (RFC 4616, draft-murchison-sasl-login). */

/** Users and their passwords, in octets as characters up to U+00FF. */
export const USERS: ReadonlyMap<string, string> = new Map([
  ["anna", "open sesame, please"],
  ["b =+\xc3\xbc", "shut \xc3\xa9 sesame, please"],
  ["l".repeat(255), "a long name, a long password"],
]);

/** The user whose password stands in what the client has sent in one exchange; null where there is none. */
export function userOf(mechanism: string, responses: readonly string[]): string | null {
  const [first = "", second] = responses.map((response) => response === "=" ? "" : decoded(response));
  if (mechanism.toUpperCase() === "LOGIN") return first !== null && second === USERS.get(first) ? first : null;
  if (mechanism.toUpperCase() !== "PLAIN" || first === null) return null;
  for (const [user, password] of USERS) {
    if (first === `\0${user}\0${password}` || first === `${user}\0${user}\0${password}`) return user;
  }
  return null;
}

function decoded(base64: string): string | null {
  try {
    return atob(base64);
  } catch {
    return null;
  }
}
