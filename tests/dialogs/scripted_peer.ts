/** One end of a connection that follows a script. */

import { decodeLatin1, decodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import { hasCode } from "../../src/base/errors.ts";
import type { TcpConnection } from "../../src/net/connection.ts";
import type { Expectation, PeerAction } from "./dialog.ts";

/** How long a step may take in real time before the test fails. */
const STEP_MS = 10_000;
const SHOWN_BYTES = 1000;
const LF = 10;

export interface PeerTls {
  readonly cert: string;
  readonly key: string;
}

/** Bytes as a person reads them. */
export function shown(bytes: Uint8Array): string {
  const text = JSON.stringify(decodeUtf8(bytes.subarray(0, SHOWN_BYTES)));
  return bytes.length > SHOWN_BYTES ? `${text} and ${bytes.length - SHOWN_BYTES} bytes more` : text;
}

/** Lets everything that is ready on either side of loopback connections run. */
export async function settle(turns = 4): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

export class ScriptedPeer {
  readonly connection: TcpConnection;
  readonly #name: string;
  readonly #tls: PeerTls;
  readonly #role: "client" | "server";
  readonly #byteByByte: boolean;

  constructor(
    name: string,
    connection: TcpConnection,
    options: { readonly tls: PeerTls; readonly role: "client" | "server"; readonly byteByByte: boolean },
  ) {
    this.#name = name;
    this.connection = connection;
    this.#tls = options.tls;
    this.#role = options.role;
    this.#byteByByte = options.byteByByte;
  }

  /** Sends; a proxy that has closed already is no error, what comes of it shows later. */
  async send(bytes: Uint8Array): Promise<void> {
    this.connection.setDeadline(STEP_MS);
    try {
      if (!this.#byteByByte) return await this.connection.write(bytes);
      for (const byte of bytes) {
        await this.connection.write(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      if (!hasCode(error, "connection-lost")) throw error;
    }
  }

  /** Throws unless exactly these bytes come next. */
  async expect({ bytes, open }: Expectation): Promise<void> {
    const { connection } = this;
    while (connection.buffered.length < bytes.length || (open && connection.buffered.indexOf(LF, bytes.length) < 0)) {
      const got = connection.buffered;
      if (!equalBytes(got.subarray(0, bytes.length), bytes.subarray(0, got.length))) break;
      if (!(await this.#fill())) {
        throw new Error(`the ${this.#name} should have got ${shown(bytes)}, got ${shown(got)} and the end`);
      }
    }
    const got = connection.buffered.subarray(0, bytes.length);
    if (!equalBytes(got, bytes)) {
      throw new Error(`the ${this.#name} should have got ${shown(bytes)}, got ${shown(connection.buffered)}`);
    }
    connection.consume(open ? connection.buffered.indexOf(LF, bytes.length) + 1 : bytes.length);
  }

  async act(action: PeerAction): Promise<void> {
    switch (action) {
      case "connect":
        return;
      case "tls":
        return await this.#startTls();
      case "tls-fails":
        return await this.#expectNoTls();
      case "close":
        return this.connection.close();
      case "shut":
        return await this.connection.closeWrite();
      case "end":
        return await this.expectEnd();
      case "cut":
        return await this.#expectCut();
      case "silent":
        return await this.expectSilence();
    }
  }

  async #startTls(): Promise<void> {
    this.connection.setDeadline(STEP_MS);
    if (this.#role === "server") {
      // What came along with a PROXY header.
      this.connection.unreadForHandshake();
      await this.connection.startServerTls(this.#tls);
      return;
    }
    await this.connection.startClientTls({ serverName: "localhost", trust: { kind: "insecure" } });
  }

  /** With TLS 1.3 a server's handshake is over before the client has judged the certificate. */
  async #expectNoTls(): Promise<void> {
    try {
      await this.#startTls();
    } catch (error) {
      if (hasCode(error, "tls", "connection-lost")) return;
      throw error;
    }
    await this.expectEnd();
  }

  /** Throws unless the proxy closes, and sends nothing more before. */
  async expectEnd(allowed: Uint8Array = new Uint8Array(0)): Promise<void> {
    while (await this.#fill());
    const got = this.connection.buffered;
    if (got.length > 0 && !equalBytes(got, allowed)) {
      throw new Error(`the ${this.#name} should have got the end, got ${shown(got)}`);
    }
    this.connection.consume(got.length);
  }

  /** Throws unless the proxy closes before a mail has come to its end. */
  async #expectCut(): Promise<void> {
    while (await this.#fill());
    const got = this.connection.buffered;
    if (decodeLatin1(got).includes("\r\n.\r\n")) throw new Error(`the ${this.#name} got a whole mail: ${shown(got)}`);
    this.connection.consume(got.length);
  }

  async expectSilence(): Promise<void> {
    const filling = this.#fill();
    const came = await Promise.race([filling.then(() => true), settle(8).then(() => false)]);
    const got = this.connection.buffered;
    if (got.length > 0) throw new Error(`the ${this.#name} should have got nothing, got ${shown(got)}`);
    if (came) throw new Error(`the ${this.#name} should have got nothing, got the end`);
    filling.catch(() => {});
  }

  /** False at the end, however it came. */
  async #fill(): Promise<boolean> {
    this.connection.setDeadline(STEP_MS);
    try {
      return await this.connection.fill();
    } catch (error) {
      if (hasCode(error, "timeout")) {
        throw new Error(`the ${this.#name} got nothing more in time; it has ${shown(this.connection.buffered)}`);
      }
      return false;
    }
  }
}
