import { assertRejects } from "@std/assert";
import { MailteeError } from "../../../src/base/errors.ts";
import { TcpConnection } from "../../../src/net/connection.ts";
import type { ClientTlsOptions } from "../../../src/net/types.ts";
import { issueCertificate } from "./issue_certificate.ts";
import { rawPair } from "./sockets.ts";

export const authority = await issueCertificate({ names: ["test authority"], ca: true });
export const certificate = await issueCertificate({ names: ["localhost", "127.0.0.1"], issuer: authority });
/** Trusts a server that shows `certificate`. */
export const trusting: ClientTlsOptions = { serverName: "localhost", trust: { kind: "ca", pem: authority.cert } };

/** Two connections, both under test: [client, server]. */
export async function pair(): Promise<[TcpConnection, TcpConnection]> {
  const [client, server] = await rawPair();
  return [new TcpConnection(client), new TcpConnection(server)];
}

/** The same after the handshake. */
export async function tlsPair(): Promise<[TcpConnection, TcpConnection]> {
  const [client, server] = await pair();
  await Promise.all([client.startClientTls(trusting), server.startServerTls(certificate)]);
  return [client, server];
}

export function closeAll(...connections: readonly TcpConnection[]): void {
  for (const connection of connections) connection.close();
}

export async function rejection(promise: Promise<unknown>): Promise<MailteeError> {
  return await assertRejects(() => promise, MailteeError);
}
