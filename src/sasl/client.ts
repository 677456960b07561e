/** The client's side of SASL mechanisms, as pure challenge and response. */

import { createHmac } from "node:crypto";
import { encodeUtf8 } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import { scramClient } from "./scram.ts";
import type { SaslClient, SaslCredentials } from "./types.ts";

/** Mechanisms of `createSaslClient`, best first, where the connection is encrypted. */
const ENCRYPTED_ORDER = ["SCRAM-SHA-256", "PLAIN", "LOGIN", "CRAM-MD5"] as const;
/** The same in clear text: those that don't show the password come first. */
const CLEAR_ORDER = ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"] as const;

export type HeldMechanism = typeof ENCRYPTED_ORDER[number];

/**
 * Which of the offered mechanisms to try, in this order. CRAM-MD5 comes last under TLS: it protects nothing there, and
 * servers offer it for accounts whose stored passwords can't serve it.
 */
export function chooseMechanisms(offered: readonly string[], encrypted: boolean): HeldMechanism[] {
  const names = new Set(offered.map((mechanism) => mechanism.toUpperCase()));
  return (encrypted ? ENCRYPTED_ORDER : CLEAR_ORDER).filter((mechanism) => names.has(mechanism));
}

/** Starts an exchange. `nonce` is for SCRAM: printable ASCII without comma, new for each exchange. */
export function createSaslClient(
  mechanism: HeldMechanism,
  credentials: SaslCredentials,
  nonce: () => string = randomNonce,
): SaslClient {
  switch (mechanism) {
    case "PLAIN":
      return plainClient(credentials);
    case "LOGIN":
      return loginClient(credentials);
    case "CRAM-MD5":
      return cramMd5Client(credentials);
    case "SCRAM-SHA-256":
      return scramClient(credentials, nonce());
  }
}

function randomNonce(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toBase64();
}

/** RFC 4616. */
function plainClient({ username, password }: SaslCredentials): SaslClient {
  const initial = encodeUtf8(`\0${username}\0${password}`);
  return answersOf("PLAIN", initial, []);
}

/** draft-murchison-sasl-login: name, then password, whatever the server's prompts say. */
function loginClient({ username, password }: SaslCredentials): SaslClient {
  return answersOf("LOGIN", null, [encodeUtf8(username), encodeUtf8(password)]);
}

/** A mechanism whose answers don't depend on the challenges. */
function answersOf(
  mechanism: HeldMechanism,
  initial: Uint8Array<ArrayBuffer> | null,
  answers: Uint8Array<ArrayBuffer>[],
): SaslClient {
  return {
    mechanism,
    initial,
    complete: true,
    respond: () => {
      const answer = answers.shift();
      return answer === undefined ? Promise.reject(unexpectedChallenge(mechanism)) : Promise.resolve(answer);
    },
  };
}

/** RFC 2195. */
function cramMd5Client({ username, password }: SaslCredentials): SaslClient {
  let answered = false;
  return {
    mechanism: "CRAM-MD5",
    initial: null,
    complete: true,
    respond: (challenge) => {
      if (answered || challenge.length === 0) return Promise.reject(unexpectedChallenge("CRAM-MD5"));
      answered = true;
      const digest = createHmac("md5", encodeUtf8(password)).update(challenge).digest("hex");
      return Promise.resolve(encodeUtf8(`${username} ${digest}`));
    },
  };
}

function unexpectedChallenge(mechanism: string): MailteeError {
  return new MailteeError("protocol", `The server sent a challenge that ${mechanism} doesn't have.`);
}
