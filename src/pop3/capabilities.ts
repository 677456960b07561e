/** Which of a server's capabilities (RFC 2449) a client gets to see. Pure. */

/** What decides about capabilities besides their names. */
export interface CapabilityView {
  /** The proxy itself takes STLS now. */
  readonly offersStls: boolean;
  /** Logins are refused as the connection is now. */
  readonly loginsRefused: boolean;
}

/**
 * Capabilities that mean the same through the proxy. Any other is left out, since it could change what a reply looks
 * like, or get at a mail in a way that the proxy doesn't know; docs/rfc.md has the reasons one by one.
 */
const PASSED = new Set([
  "TOP",
  "USER",
  "UIDL",
  "PIPELINING",
  "RESP-CODES",
  "AUTH-RESP-CODE",
  "EXPIRE",
  "LOGIN-DELAY",
  "IMPLEMENTATION",
  "SASL",
  "UTF8",
  "LANG",
  "CAPA",
]);

/** The name of a capability line, in upper case. */
export function capabilityName(line: string): string {
  return (line.trim().split(/\s/, 1)[0] ?? "").toUpperCase();
}

/** The capability lines that a client gets, in the server's order. STLS is never the server's own. */
export function filterCapabilities(lines: readonly string[], view: CapabilityView): string[] {
  const passed = lines.flatMap((line) => {
    const name = capabilityName(line);
    if (!PASSED.has(name)) return [];
    if (view.loginsRefused && (name === "USER" || name === "SASL")) return [];
    return name === "SASL" ? saslLine(line) : [line.trim()];
  });
  return view.offersStls ? [...passed, "STLS"] : passed;
}

/** What is said in place of a server that knows no CAPA, where a client has to learn of STLS. */
export function ownCapabilities(view: CapabilityView): string[] {
  return [...(view.loginsRefused ? [] : ["USER"]), "STLS"];
}

/**
 * Mechanisms that don't depend on who ends the TLS connection: neither channel binding (`-PLUS`, RFC 5056) nor the
 * client's certificate (EXTERNAL) reaches through the proxy.
 */
export function passesThrough(mechanism: string): boolean {
  const name = mechanism.trim().toUpperCase();
  return !name.endsWith("-PLUS") && name !== "EXTERNAL";
}

function saslLine(line: string): string[] {
  const [word = "", ...mechanisms] = line.trim().split(/\s+/);
  const passed = mechanisms.filter(passesThrough);
  return passed.length === 0 && mechanisms.length > 0 ? [] : [[word, ...passed].join(" ")];
}
