import type { Clock } from "../base/clock.ts";
import { roomLogger } from "../base/log.ts";
import type { ListenConfig, Pop3ProxyConfig, ProxyConfig, SmtpProxyConfig, TargetConfig } from "../config/types.ts";
import type { DropWriter } from "../drop/types.ts";
import { formatAddress } from "../net/address.ts";
import { parseAddressList } from "../net/address_list.ts";
import type { ListenOptions, ServerTlsOptions, SocketAddress, TargetOptions } from "../net/types.ts";
import type { Pop3ProxyOptions } from "../pop3/options.ts";
import { startPop3Proxy } from "../pop3/proxy.ts";
import type { SmtpProxyOptions } from "../smtp/options.ts";
import { startSmtpProxy } from "../smtp/proxy.ts";
import type { ProxyStatus } from "./status.ts";

const MS_PER_SECOND = 1000;

/** What a proxy is built with besides its config. */
export interface ProxyWiring {
  readonly clock: Clock;
  readonly drop: (proxy: ProxyConfig) => DropWriter;
  /** The certificate of a listener; undefined for one without TLS. */
  readonly certificate: (listen: ListenConfig) => ServerTlsOptions | undefined;
}

/** A proxy of either kind that runs. */
export interface RunningProxy {
  readonly config: ProxyConfig;
  status(): ProxyStatus;
  /** New sessions get these settings; only for a config that `servesInPlace` allows. */
  update(config: ProxyConfig, wiring: ProxyWiring): void;
  /** Stops listening at once; resolves when the last session has ended, at the latest after the grace time. */
  drain(graceMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** True where a running proxy can go over to another config without giving up its listeners or its drop folder. */
export function servesInPlace(old: ProxyConfig, next: ProxyConfig): boolean {
  return old.kind === next.kind && old.dropFolder === next.dropFolder && listenKey(old) === listenKey(next);
}

function listenKey(proxy: ProxyConfig): string {
  return proxy.listen.map(({ address, port, tls }) => `${address} ${port} ${tls}`).join("\n");
}

/** Starts a proxy. Rejects with MailteeError where it can't listen. */
export async function startProxy(config: ProxyConfig, wiring: ProxyWiring): Promise<RunningProxy> {
  const dependencies = { drop: wiring.drop(config), clock: wiring.clock, log: roomLogger(config.kind) };
  if (config.kind === "pop3") {
    const proxy = await startPop3Proxy(pop3Options(config, wiring), dependencies);
    return {
      config,
      status: () => ({ ...common(config, proxy.addresses), kind: "pop3", stats: proxy.stats() }),
      update: (next, newWiring) => {
        if (next.kind === "pop3") proxy.update(pop3Options(next, newWiring));
      },
      drain: (graceMs) => proxy.drain(graceMs),
      stop: () => proxy.stop(),
    };
  }
  const proxy = await startSmtpProxy(smtpOptions(config, wiring), dependencies);
  return {
    config,
    status: () => ({ ...common(config, proxy.addresses), kind: config.kind, stats: proxy.stats() }),
    update: (next, newWiring) => {
      if (next.kind !== "pop3") proxy.update(smtpOptions(next, newWiring));
    },
    drain: (graceMs) => proxy.drain(graceMs),
    stop: () => proxy.stop(),
  };
}

function common(
  config: ProxyConfig,
  addresses: readonly SocketAddress[],
): Pick<ProxyStatus, "name" | "listen" | "target"> {
  return {
    name: config.name,
    listen: addresses.map(formatAddress),
    target: formatAddress({ address: config.target.host, port: config.target.port }),
  };
}

function smtpOptions(config: SmtpProxyConfig, wiring: ProxyWiring): SmtpProxyOptions {
  const { limits, timeouts, target: { credentials } } = config;
  return {
    ...sharedOptions(config, wiring),
    kind: config.kind,
    announceClient: config.target.announceClient,
    clients: config.clients,
    requireTlsForAuth: config.clearTextLoginsFromHere ? "from-elsewhere" : config.requireTlsForAuth,
    bareNewline: config.bareNewline,
    ...(credentials === null ? {} : { credentials }),
    limits: {
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      maxLineBytes: limits.lineBytes,
      maxErrors: limits.errors,
      maxRecipients: limits.recipients,
      maxMailBytes: limits.mailSize,
    },
    timeouts: {
      clientMs: timeouts.client * MS_PER_SECOND,
      targetMs: timeouts.target * MS_PER_SECOND,
      dataMs: timeouts.data * MS_PER_SECOND,
      dataStartMs: timeouts.dataStart * MS_PER_SECOND,
      dataEndMs: timeouts.dataEnd * MS_PER_SECOND,
      drainMs: timeouts.refusedData * MS_PER_SECOND,
    },
  };
}

function pop3Options(config: Pop3ProxyConfig, wiring: ProxyWiring): Pop3ProxyOptions {
  const { limits, timeouts } = config;
  return {
    ...sharedOptions(config, wiring),
    announceClient: config.target.announceClient === "proxy" ? "proxy" : null,
    recapture: config.recapture,
    wholeMailTopLines: config.wholeMailTopLines,
    limits: {
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      maxLineBytes: limits.lineBytes,
      maxErrors: limits.errors,
    },
    timeouts: {
      greetingMs: timeouts.target * MS_PER_SECOND,
      commandMs: timeouts.client * MS_PER_SECOND,
      replyMs: timeouts.target * MS_PER_SECOND,
      dataBlockMs: timeouts.data * MS_PER_SECOND,
    },
  };
}

/** What proxies of both kinds are told. */
function sharedOptions(config: ProxyConfig, wiring: ProxyWiring) {
  const { name, allowFrom, onCaptureFailure, requireTlsForAuth } = config;
  const listen: ListenOptions[] = config.listen.map((each) => {
    const certificate = wiring.certificate(each);
    return {
      address: each.address,
      port: each.port,
      tls: each.tls,
      ...(certificate === undefined ? {} : { certificate }),
      ...(each.proxyProtocolFrom === null ? {} : { loadBalancers: parseAddressList(each.proxyProtocolFrom) }),
    };
  });
  return { name, listen, target: targetOptions(config.target), allowFrom, onCaptureFailure, requireTlsForAuth };
}

/** How to reach a proxy's target. */
export function targetOptions(target: TargetConfig): TargetOptions {
  const { host, port, tls, trust, connectTimeoutSeconds } = target;
  return { host, port, tls, trust, connectTimeoutMs: connectTimeoutSeconds * MS_PER_SECOND };
}
