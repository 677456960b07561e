import { once } from "node:events";
import net, { isIP, type Socket } from "node:net";
import tls from "node:tls";
import { errorText, MailteeError } from "../../base/errors.ts";
import type { ProxyConfig } from "../../config/types.ts";
import { clientlessProxyHeader } from "../../net/proxy_header.ts";

/**
 * The certificate that a target shows, DER, whether it is trusted or not: with it a person can decide whom to trust.
 * Opens a connection of its own, for nothing else. Rejects with MailteeError "tls" where none is to be had.
 */
export async function peerCertificate(proxy: ProxyConfig, signal: AbortSignal): Promise<Uint8Array> {
  const { host, port, tls: mode, announceClient } = proxy.target;
  const socket = net.connect({ host, port });
  const stop = () => void socket.destroy(new Error("it took too long"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    await next(socket, "connect");
    if (announceClient === "proxy") socket.write(clientlessProxyHeader);
    if (mode === "starttls") await askForTls(socket, proxy.kind);
    const secured = tls.connect({
      socket,
      // RFC 6066 section 3: no addresses in SNI.
      servername: isIP(host) === 0 ? host : "",
      rejectUnauthorized: false,
    });
    await next(secured, "secureConnect");
    const { raw } = secured.getPeerCertificate();
    secured.destroy();
    return raw;
  } catch (error) {
    throw new MailteeError("tls", `${host} port ${port} doesn't show a certificate: ${errorText(error)}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** What is said before TLS, and what each answer has to begin with at its last line. */
const DIALOGS = {
  smtp: { say: ["", "EHLO mailtee.invalid\r\n", "STARTTLS\r\n"], ends: /^\d{3} [^\n]*\n/m, good: /^2/ },
  lmtp: { say: ["", "LHLO mailtee.invalid\r\n", "STARTTLS\r\n"], ends: /^\d{3} [^\n]*\n/m, good: /^2/ },
  pop3: { say: ["", "STLS\r\n"], ends: /\n/, good: /^\+OK/ },
} as const;

async function askForTls(socket: Socket, kind: ProxyConfig["kind"]): Promise<void> {
  const { say, ends, good } = DIALOGS[kind];
  for (const line of say) {
    if (line !== "") socket.write(line);
    let answer = "";
    while (!ends.test(answer)) {
      const [chunk] = await next(socket, "data");
      answer += String(chunk);
      if (answer.length > MAX_ANSWER_CHARACTERS) throw new Error("it says too much");
    }
    if (!good.test(answer)) throw new Error(answer.split(/\r?\n/, 1)[0]);
  }
}

/** What comes with the next such event. Rejects where the socket closes first. */
async function next(socket: Socket, event: "connect" | "data" | "secureConnect"): Promise<unknown[]> {
  const closed = once(socket, "close").then(() => Promise.reject(new Error("it closed the connection")));
  return await Promise.race([once(socket, event), closed]);
}

const MAX_ANSWER_CHARACTERS = 65_536;
