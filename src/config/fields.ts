/**
 * The leaves of the config: each a valibot schema whose message says what is allowed, in words that end the sentence
 * "allowed: …".
 */

import { isIP } from "node:net";
import { Cron } from "croner";
import * as v from "valibot";
import { hasCode } from "../base/errors.ts";
import { SIZE_UNITS } from "../base/size_units.ts";
import { parseAddressList } from "../net/address_list.ts";
import { parsePasswordHash } from "../sasl/password_hash.ts";

/** Text that isn't empty. */
export function text(allowed: string) {
  return v.pipe(v.string(allowed), v.regex(/\S/, allowed));
}

/** A whole number in a range. */
export function whole(min: number, max: number, allowed: string) {
  return v.pipe(v.number(allowed), v.integer(allowed), v.minValue(min, allowed), v.maxValue(max, allowed));
}

/** One of several words. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return v.picklist(words, words.map((each) => JSON.stringify(each)).join(" or "));
}

export const flag = v.boolean("true or false");

/** A file or folder; relative ones start from the config file's folder. */
export const path = text("a path");

/** Port to connect to. */
export const targetPort = whole(1, 65_535, "a port number from 1 to 65535");

/** Port to listen on. */
export const listenPort = whole(0, 65_535, "a port number from 1 to 65535, or 0 to let the system choose");

/** A time limit. */
export const seconds = whole(1, 86_400, "whole seconds from 1 to 86400");

/** A limit on a number of things. */
export function count(min: number, max: number) {
  return whole(min, max, `a whole number from ${min} to ${max}`);
}

const HOST = /^(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?\.?)+$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[\w.-]+)?$/u;
const HOST_ALLOWED = "a server's name or address, without port or scheme";

/** A server to connect to. */
export const host = v.pipe(v.string(HOST_ALLOWED), v.regex(HOST, HOST_ALLOWED));

const ADDRESS_ALLOWED =
  'an IPv4 or IPv6 address of this machine, "0.0.0.0" for all of IPv4, "::" for all, or "localhost"';

/** An address to listen on. */
export const listenAddress = v.pipe(
  v.string(ADDRESS_ALLOWED),
  v.check((address) => address === "localhost" || isIpAddress(address), ADDRESS_ALLOWED),
);

const ALLOWED_FROM = 'an address, a network such as "192.168.0.0/16", "private" or "localhost"';

/** Who may connect. */
export const allowedFrom = v.pipe(v.string(ALLOWED_FROM), v.check(isAddressListEntry, ALLOWED_FROM));

const SIZE_ALLOWED = 'a number of bytes or a size such as "50MB"';

/** A size, in bytes once parsed. */
export const size = v.pipe(
  v.union([v.number(), v.string()], SIZE_ALLOWED),
  v.check((given) => bytesOf(given) !== undefined, SIZE_ALLOWED),
  v.transform((given) => bytesOf(given) ?? 0),
);

const HASH_ALLOWED = 'a hash that `mailtee password` prints: "$scrypt$ln=15,r=8,p=1$…"';

/** The hash of a client's password. */
export const passwordHash = v.pipe(
  v.string(HASH_ALLOWED),
  v.check((text) => parsePasswordHash(text) !== null, HASH_ALLOWED),
);

const MODE_ALLOWED = 'permissions in octal, in quotes, that let the owner read and write: "0600", "0640", "0770"';

/** Permissions of files or folders, a number once parsed. */
export const mode = v.pipe(
  v.string(MODE_ALLOWED),
  v.regex(/^0?[67][0-7]{2}$/, MODE_ALLOWED),
  v.transform((octal) => Number.parseInt(octal, 8)),
);

const CRON_ALLOWED = 'a cron expression: minute, hour, day of month, month, day of week, such as "0 2 * * *"';

/** When a profile runs. */
export const schedule = v.pipe(v.string(CRON_ALLOWED), v.check(isCronExpression, CRON_ALLOWED));

const ZONE_ALLOWED = 'a time zone such as "Europe/Berlin"';

export const timeZone = v.pipe(v.string(ZONE_ALLOWED), v.check(isTimeZone, ZONE_ALLOWED));

const FINGERPRINT_ALLOWED =
  '"sha256:" and the 64 hex digits of the certificate\'s fingerprint, as `mailtee check` shows it';

/** SHA-256 of a certificate: 64 lower-case hex digits once parsed. */
export const fingerprint = v.pipe(
  v.string(FINGERPRINT_ALLOWED),
  v.regex(/^sha256:(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i, FINGERPRINT_ALLOWED),
  v.transform((given) => given.slice("sha256:".length).replaceAll(":", "").toLowerCase()),
);

/** A secret, as it stands in the config. */
export const secret = v.union(
  [
    text("the secret"),
    v.strictObject({ env: text("the name of an environment variable") }),
    v.strictObject({ file: path }),
  ],
  "the secret in quotes, { env: NAME } or { file: PATH }",
);

const ADDRESS_PATTERN_ALLOWED =
  'an address such as "anna@company.example" or a pattern such as "*@company.example", without spaces or angle brackets';

/** An address of a user, or a pattern. */
export const userAddress = v.pipe(
  v.string(ADDRESS_PATTERN_ALLOWED),
  v.regex(/^[^\s<>]+$/, ADDRESS_PATTERN_ALLOWED),
);

function isIpAddress(address: string): boolean {
  return isIP(address.replace(/%[\w.-]+$/, "")) !== 0;
}

function isAddressListEntry(entry: string): boolean {
  try {
    parseAddressList([entry]);
    return true;
  } catch (error) {
    if (hasCode(error, "config")) return false;
    throw error;
  }
}

function bytesOf(given: number | string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*((?:[kmg]i?)?)b?$/i.exec(String(given).trim()) ?? [];
  const bytes = Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? NaN);
  return digits !== "" && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

function isCronExpression(expression: string): boolean {
  try {
    const cron = new Cron(expression, { paused: true });
    // Croner takes dates too.
    return cron.getOnce() === null && cron.nextRun() !== null;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
