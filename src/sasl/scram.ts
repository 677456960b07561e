/** SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side, without channel binding. */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import type { SaslClient, SaslCredentials } from "./types.ts";

/** RFC 7677 section 4 asks for at least 4096; the upper bound keeps a hostile server from burning our time. */
const MIN_ITERATIONS = 4096;
const MAX_ITERATIONS = 2_000_000;

/** "n,,": no channel binding, no other identity to act as. */
const GS2_HEADER = "n,,";

type Bytes = Uint8Array<ArrayBuffer>;

/** Starts an exchange with a client nonce of printable ASCII without comma. */
export function scramClient(credentials: SaslCredentials, nonce: string): SaslClient {
  const name = saslPrep(credentials.username).replaceAll("=", "=3D").replaceAll(",", "=2C");
  const clientFirstBare = `n=${name},r=${nonce}`;
  let expectedSignature: Bytes | null = null;
  let complete = false;
  return {
    mechanism: "SCRAM-SHA-256",
    initial: encodeUtf8(GS2_HEADER + clientFirstBare),
    get complete() {
      return complete;
    },
    async respond(challenge) {
      const text = decodeUtf8(challenge);
      if (expectedSignature === null) {
        const step = await clientFinal(text, clientFirstBare, nonce, credentials.password);
        expectedSignature = step.serverSignature;
        return encodeUtf8(step.message);
      }
      if (complete || attribute(text, "v") !== expectedSignature.toBase64()) throw notAuthentic();
      complete = true;
      return new Uint8Array(0);
    },
  };
}

async function clientFinal(serverFirst: string, clientFirstBare: string, nonce: string, password: string) {
  const serverNonce = attribute(serverFirst, "r");
  const salt = decodeSalt(attribute(serverFirst, "s"));
  const iterations = Number(attribute(serverFirst, "i"));
  if (serverNonce === null || !serverNonce.startsWith(nonce) || serverNonce.length === nonce.length || salt === null) {
    throw new MailteeError("protocol", "The server's SCRAM challenge can't be understood.");
  }
  if (!(Number.isInteger(iterations) && iterations >= MIN_ITERATIONS && iterations <= MAX_ITERATIONS)) {
    throw new MailteeError(
      "protocol",
      `The server asks for a SCRAM iteration count outside of ${MIN_ITERATIONS} to ${MAX_ITERATIONS}.`,
    );
  }
  const saltedPassword = await pbkdf2(encodeUtf8(saslPrep(password)), salt, iterations);
  const clientKey = await hmac(saltedPassword, "Client Key");
  const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
  const withoutProof = `c=${encodeUtf8(GS2_HEADER).toBase64()},r=${serverNonce}`;
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
  const clientSignature = await hmac(storedKey, authMessage);
  const proof = clientKey.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
  return {
    message: `${withoutProof},p=${proof.toBase64()}`,
    serverSignature: await hmac(await hmac(saltedPassword, "Server Key"), authMessage),
  };
}

/** The value of an attribute such as `r=` in a message; null without one. */
function attribute(message: string, name: string): string | null {
  const field = message.split(",").find((each) => each.startsWith(`${name}=`));
  return field === undefined ? null : field.slice(name.length + 1);
}

function decodeSalt(text: string | null): Bytes | null {
  try {
    return text === null || text === "" ? null : Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}

async function pbkdf2(password: Bytes, salt: Bytes, iterations: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256),
  );
}

async function hmac(key: Bytes, text: string): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encodeUtf8(text)));
}

/** The parts of SASLprep (RFC 4013) that change anything for what people type: odd spaces, and compatibility forms. */
function saslPrep(text: string): string {
  return text.replaceAll(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, " ").replaceAll("\u00ad", "").normalize(
    "NFKC",
  );
}

function notAuthentic(): MailteeError {
  return new MailteeError("protocol", "The server couldn't prove that it knows the password.", {
    hint: "Check that the target is the right server; another may pose as it.",
  });
}
