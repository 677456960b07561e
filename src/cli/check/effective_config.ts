import { dirname } from "@std/path";
import { stringify } from "@std/yaml";
import type { ListenConfig, ProxyConfig, ResolvedConfig, SmtpProxyConfig, TargetConfig } from "../../config/types.ts";

/**
 * The config with its defaults, as it could stand in a config file; each secret is "(set)". Plain data.
 */
export function effectiveConfig(config: ResolvedConfig): Record<string, unknown> {
  const { dropFolder, proxies, archive, profiles, log, drainSeconds, permissions, selfSigned } = config;
  return {
    dropFolder,
    proxies: proxies.map(effectiveProxy),
    ...archive === null ? {} : { archive },
    profiles: Object.fromEntries(
      Object.values(profiles).map(({ name, schedule, timeZone, ...profile }) => [
        name,
        { ...profile, ...schedule === null ? {} : { schedule }, ...timeZone === null ? {} : { timeZone } },
      ]),
    ),
    log,
    drainSeconds,
    permissions: { files: octal(permissions.fileMode), folders: octal(permissions.folderMode) },
    certificateFolder: dirname(selfSigned.certFile),
  };
}

/** The same as YAML text. */
export function effectiveYaml(config: ResolvedConfig): string {
  return stringify(effectiveConfig(config), { lineWidth: -1 });
}

function effectiveProxy(proxy: ProxyConfig): Record<string, unknown> {
  const { kind, name, allowFromGiven: _, listen, target, limits, ...others } = proxy;
  const rest = "clients" in others ? effectiveLogins(others) : others;
  // No limit of our own has no spelling but to leave the key out.
  const given = Object.entries(limits).filter(([, value]) => value !== null);
  return {
    kind,
    name,
    listen: listen.map(effectiveListen),
    target: effectiveTarget(target),
    ...rest,
    limits: Object.fromEntries(given),
  };
}

/** What the config would say of the clients' own logins; without a key where it would say nothing. */
function effectiveLogins<
  Rest extends Pick<SmtpProxyConfig, "clients" | "clearTextLoginsFromHere" | "requireTlsForAuth">,
>(
  { clients, clearTextLoginsFromHere, requireTlsForAuth, ...rest }: Rest,
): Record<string, unknown> {
  return {
    ...rest,
    ...(clearTextLoginsFromHere ? {} : { requireTlsForAuth }),
    ...(clients === null ? {} : { clients: clients.map(({ username }) => ({ username, passwordHash: "(set)" })) }),
  };
}

function effectiveListen({ certificate, proxyProtocolFrom, ...listen }: ListenConfig): Record<string, unknown> {
  return {
    ...listen,
    ...(certificate === null || listen.tls === "none" ? {} : { certificate }),
    ...(proxyProtocolFrom === null ? {} : { proxyProtocol: { from: proxyProtocolFrom } }),
  };
}

function effectiveTarget({ trust, credentials, announceClient, ...target }: TargetConfig): Record<string, unknown> {
  return {
    ...target,
    ...target.tls === "none" ? {} : { trust: effectiveTrust(trust) },
    ...credentials === null ? {} : { credentials: { username: credentials.username, password: "(set)" } },
    ...announceClient === null ? {} : { announceClient },
  };
}

function effectiveTrust(trust: TargetConfig["trust"]): unknown {
  switch (trust.kind) {
    case "ca":
      return { caFile: trust.file };
    case "fingerprint":
      return { fingerprint: `sha256:${trust.sha256}` };
    case "system":
    case "insecure":
      return trust.kind;
  }
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
