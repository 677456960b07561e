/** Addresses as the archive compares them, and the users they belong to. */

import { domainToASCII } from "node:url";

/** A user's addresses: exact ones and patterns such as `*@company.example`, and POP3 user names. */
export interface AddressOwner {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly pop3Users: readonly string[];
}

/** Finds the owners of addresses, whatever their number, without trying them one by one. Names come sorted. */
export interface AddressLookup {
  /** Names of the owners that have this envelope address, exactly or by a pattern. */
  ownersOf(address: string): readonly string[];
  /** Names of the owners that have this POP3 user name, among their POP3 users or their addresses. */
  ownersOfPop3User(user: string): readonly string[];
}

/**
 * An address in the one spelling that comparisons use: lower case, NFC, without angle brackets, quotes that aren't needed
 * (RFC 5321 section 4.1.2 takes `"anna"@x` and `anna@x` for the same) and a final dot, its domain as A-label. Upper and
 * lower case of the local part don't differ here, as with nearly all mail servers.
 */
export function normalizeAddress(address: string): string {
  const bare = address.trim().replace(/^<(.*)>$/, "$1").normalize("NFC").toLowerCase();
  const at = bare.lastIndexOf("@");
  if (at < 0) return bare;
  const local = bare.slice(0, at).replace(
    /^"([a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"$/,
    "$1",
  );
  return `${local}@${normalizeDomain(bare.slice(at + 1))}`;
}

/** A domain in lower case and as A-label where it can be; a pattern's stars stay. */
function normalizeDomain(domain: string): string {
  const bare = domain.replace(/\.$/, "");
  if (/^[a-z0-9.*-]*$/.test(bare)) return bare;
  return domainToASCII(bare) || bare;
}

/** Makes the lookup. Users may be thousands: exact addresses cost nothing, a pattern only counts for its own domain. */
export function compileAddressPatterns(owners: readonly AddressOwner[]): AddressLookup {
  const index = new AddressIndex();
  for (const owner of owners) {
    for (const address of owner.addresses) index.addAddress(normalizeAddress(address), owner.name);
    for (const user of owner.pop3Users) index.addPop3User(user.toLowerCase(), owner.name);
  }
  return index;
}

interface Pattern {
  /** What comes before, between and after the stars. */
  readonly pieces: readonly string[];
  readonly owner: string;
}

class AddressIndex implements AddressLookup {
  readonly #exact = new Map<string, Set<string>>();
  readonly #pop3Users = new Map<string, Set<string>>();
  readonly #byDomain = new Map<string, Pattern[]>();
  readonly #anyDomain: Pattern[] = [];

  addAddress(address: string, owner: string): void {
    if (!address.includes("*")) return addTo(this.#exact, address, owner);
    const domain = address.slice(address.lastIndexOf("@") + 1);
    const pattern = { pieces: address.split("*"), owner };
    if (domain.includes("*")) this.#anyDomain.push(pattern);
    else this.#byDomain.set(domain, [...this.#byDomain.get(domain) ?? [], pattern]);
  }

  addPop3User(user: string, owner: string): void {
    addTo(this.#pop3Users, user, owner);
  }

  ownersOf(address: string): readonly string[] {
    return [...this.#addressOwners(address)].sort();
  }

  ownersOfPop3User(user: string): readonly string[] {
    const owners = this.#addressOwners(user);
    for (const owner of this.#pop3Users.get(user.toLowerCase()) ?? []) owners.add(owner);
    return [...owners].sort();
  }

  #addressOwners(spelled: string): Set<string> {
    const address = normalizeAddress(spelled);
    const owners = new Set(this.#exact.get(address));
    const domain = address.slice(address.lastIndexOf("@") + 1);
    for (const patterns of [this.#byDomain.get(domain) ?? [], this.#anyDomain]) {
      for (const { pieces, owner } of patterns) if (fits(address, pieces)) owners.add(owner);
    }
    return owners;
  }
}

function addTo(map: Map<string, Set<string>>, key: string, owner: string): void {
  const owners = map.get(key);
  if (owners === undefined) map.set(key, new Set([owner]));
  else owners.add(owner);
}

/** True where the text has the pieces in order, the first at its start and the last at its end. */
function fits(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
