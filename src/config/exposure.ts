import { isPrivateOrLoopback } from "../net/address_list.ts";
import type { ProxyConfig, ResolvedConfig } from "./types.ts";

/** A proxy that others than its owner may be able to use. */
export interface Exposure {
  /** `proxies[0]`. */
  readonly where: string;
  /** One plain sentence: what can happen, and what to write. */
  readonly sentence: string;
}

/**
 * Proxies that may relay for strangers: everybody may connect, or a listener can be reached from elsewhere and the
 * config doesn't spell out who may connect. `mailtee check` and `mailtee run` say so.
 */
export function exposures(config: ResolvedConfig): readonly Exposure[] {
  return config.proxies.flatMap((proxy, index) => {
    const sentence = exposureOf(proxy);
    return sentence === undefined ? [] : [{ where: `proxies[${index}]`, sentence }];
  });
}

function exposureOf(proxy: ProxyConfig): string | undefined {
  const { kind, name, listen, allowFrom, allowFromGiven, target } = proxy;
  const reachable = listen.filter(({ address }) => isReachableFromElsewhere(address));
  if (reachable.length === 0) return undefined;
  const places = reachable.map(({ address, port }) => `${address} port ${port}`).join(" and ");
  if (reachable.some(({ proxyProtocolFrom }) => proxyProtocolFrom?.some(isEverybody) === true)) {
    return `${name} takes anybody who reaches ${places} for a load balancer, who can then pose as any client and pass ` +
      "allowFrom; narrow proxyProtocol.from.";
  }
  // Nobody gets past their logins.
  if (proxy.kind !== "pop3" && proxy.clients !== null) return undefined;
  const user = target.credentials?.username;
  if (allowFrom.some(isEverybody)) {
    if (user !== undefined) {
      return `${name} is an open relay: anybody who reaches ${places} can send mail as ${user}; narrow allowFrom.`;
    }
    return kind === "pop3"
      ? undefined
      : `${name} lets anybody who reaches ${places} talk to ${target.host}, which sees them come from this machine: where ` +
        "it trusts this machine without a login, that is an open relay; narrow allowFrom.";
  }
  if (allowFromGiven) return undefined;
  const risk = user === undefined ? "" : ` Whoever may connect can send mail as ${user}.`;
  return `${name} listens on ${places} and doesn't say who may connect, so only this machine and private networks ` +
    `may: spell them out in allowFrom.${risk}`;
}

/** True for all of IPv4 or IPv6 in a list of addresses. */
function isEverybody(entry: string): boolean {
  return entry.trim().endsWith("/0");
}

/** True for all-address listeners and for addresses that aren't loopback or private. */
function isReachableFromElsewhere(address: string): boolean {
  return address !== "localhost" && !isPrivateOrLoopback(address);
}
