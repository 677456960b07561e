/**
 * What a target that trusts the proxy hears of the client, by a book that knows nothing of the program
 * (https://www.postfix.org/XCLIENT_README.html, XFORWARD_README.html).
 */

import { octetsOf, type ReadAddress, readProxyHeader } from "./proxy_header_reading.ts";
import { USERS } from "./login_reading.ts";

export interface TrueClient {
  readonly by: "xclient" | "xforward" | "proxy" | null;
  /** True where each session has to come with a user. */
  readonly loggedIn: boolean;
  readonly address: ReadAddress;
}

const MOST_OCTETS = 512;
const UNKNOWN = "[UNAVAILABLE]";

/** Keeps what the target was told, and knows what it should have been told. */
export class Announcements {
  readonly #truth: TrueClient;
  readonly #offered: readonly string[];
  #name = "";
  #told: ReadonlyMap<string, string> | null = null;
  #greetedSince = false;
  #preceded = false;

  /** @param offered the attributes of the XCLIENT or XFORWARD line in the target's EHLO reply */
  constructor(truth: TrueClient, offered: readonly string[]) {
    this.#truth = truth;
    this.#offered = offered;
  }

  /** What came before the greeting; what is wrong with it, or null. */
  preamble(text: string): string | null {
    this.#preceded = true;
    const header = readProxyHeader(text);
    const { address: { ip, port } } = this.#truth;
    const right = header.kind === "header" && header.rest === "" && header.client?.ip === ip &&
      header.client.port === port;
    return right ? null : `not the client's PROXY header: ${JSON.stringify(text)}`;
  }

  /** The name in EHLO, HELO or LHLO. */
  hello(name: string): void {
    this.#name = name;
    this.#greetedSince = true;
  }

  /** The target has taken it, and forgotten all that was said before. */
  taken(line: string): void {
    this.#told = attributesOf(line);
    this.#greetedSince = false;
  }

  /** What is wrong with a whole XCLIENT or XFORWARD command; null for nothing. */
  problemWith(line: string): string | null {
    const told = attributesOf(line);
    if (line.length + 2 > MOST_OCTETS) return "it is too long";
    if (told === null) return "its attributes can't be read";
    const { address: { ip, port }, loggedIn } = this.#truth;
    for (const [name, value] of told) if (!this.#offered.includes(name)) return `${name}=${value} was not offered`;
    if (octetsOf((told.get("ADDR") ?? "").replace(/^IPV6:/, "")) !== ip) return "another address";
    if ((told.get("ADDR") ?? "").startsWith("IPV6:") !== (told.get("ADDR") ?? "").includes(":")) {
      return "another family";
    }
    if ((told.get("PORT") ?? String(port)) !== String(port)) return "another port";
    const helo = told.get("HELO") ?? this.#name;
    if (helo !== this.#name && helo !== UNKNOWN) return `another name than ${this.#name}`;
    const login = told.get("LOGIN");
    return login === undefined || (loggedIn && USERS.has(login)) ? null : `a login of ${login}`;
  }

  /** What is missing at a MAIL command; null where nothing is. */
  problemAtMail(): string | null {
    const { by, loggedIn } = this.#truth;
    const told = this.#told;
    if (by === "proxy" && !this.#preceded) return "MAIL without a PROXY header before all";
    if (by === "xforward") this.#told = null;
    if ((by === "xclient" || by === "xforward") && told === null) return "MAIL without word of the client";
    if (by !== "xclient") return null;
    if (!this.#greetedSince) return "MAIL without EHLO after XCLIENT";
    return loggedIn && this.#offered.includes("LOGIN") && told?.has("LOGIN") !== true ? "MAIL without a login" : null;
  }
}

/** Attributes with their values decoded from xtext (RFC 3461 section 4); null where a reader could see others. */
function attributesOf(line: string): ReadonlyMap<string, string> | null {
  const told = new Map<string, string>();
  for (const attribute of line.split(" ").slice(1)) {
    const [, name, value] = /^([A-Z]+)=((?:[!-*,-<>-~]|\+[0-9A-F]{2})+)$/.exec(attribute) ?? [];
    if (name === undefined || value === undefined || told.has(name)) return null;
    const decoded = value.replace(/\+(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
    told.set(name, decoded);
  }
  return told;
}
