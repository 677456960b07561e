import { targetOptions } from "../../app/proxies.ts";
import type { Clock } from "../../base/clock.ts";
import { MailteeError } from "../../base/errors.ts";
import type { ProxyConfig, TargetConfig } from "../../config/types.ts";
import { type CertificateDescription, describeCertificate } from "../../net/certificate_description.ts";
import { dial } from "../../net/dial.ts";
import { clientlessProxyHeader } from "../../net/proxy_header.ts";
import type { Connection, TargetOptions, TlsInfo } from "../../net/types.ts";
import { peerCertificate } from "./peer_certificate.ts";
import { askPop3Target } from "./pop3_dialog.ts";
import { askSmtpTarget } from "./smtp_dialog.ts";
import type { TargetAnswers } from "./target_answers.ts";

/** What was found out about a proxy's target. */
export interface TargetReport extends TargetAnswers {
  readonly proxy: ProxyConfig;
  /** `proxies[0].target`. */
  readonly where: string;
  /** The address that answered; null where none did. */
  readonly address: string | null;
  readonly tls: TlsInfo | null;
  /** Null without TLS, and where none could be had. */
  readonly certificate: CertificateDescription | null;
  /** How long it took until the session stood, in milliseconds. */
  readonly elapsedMs: number;
  readonly hint: string | undefined;
}

const NOTHING: TargetAnswers = { greeting: "", capabilities: [], login: null, problem: null };

/** Connects to a proxy's target as the proxy would, logs in where the proxy would, and takes its leave. */
export async function probeTarget(
  proxy: ProxyConfig,
  where: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<TargetReport> {
  const { target } = proxy;
  const started = clock.monotonicMs();
  const certificate = target.tls === "none" ? null : await lookAtCertificate(proxy, signal);
  const report = { proxy, where, certificate };
  let connection: Connection | undefined;
  try {
    connection = await dial({ ...targetOptions(target), ...preambleOf(target) }, { clock, signal });
    const answers = await (proxy.kind === "pop3" ? askPop3Target(proxy, connection) : askSmtpTarget(proxy, connection));
    const { tls, remote } = connection;
    const elapsedMs = clock.monotonicMs() - started;
    return { ...report, ...answers, address: remote.address, tls, elapsedMs, hint: undefined };
  } catch (error) {
    if (!(error instanceof MailteeError)) throw error;
    const { message: problem, hint } = error;
    const elapsedMs = clock.monotonicMs() - started;
    return { ...report, ...NOTHING, problem, hint, address: connection?.remote.address ?? null, tls: null, elapsedMs };
  } finally {
    connection?.close();
  }
}

/** A check is no client's. */
function preambleOf({ announceClient }: TargetConfig): Pick<TargetOptions, "preamble"> {
  return announceClient === "proxy" ? { preamble: clientlessProxyHeader } : {};
}

async function lookAtCertificate(proxy: ProxyConfig, signal: AbortSignal): Promise<CertificateDescription | null> {
  try {
    const limit = AbortSignal.timeout(proxy.target.connectTimeoutSeconds * MS_PER_SECOND);
    return describeCertificate(await peerCertificate(proxy, AbortSignal.any([signal, limit])));
  } catch (error) {
    if (error instanceof MailteeError) return null; // the session itself tells what is wrong
    throw error;
  }
}

const MS_PER_SECOND = 1000;
