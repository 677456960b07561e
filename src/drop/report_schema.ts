/** Reading a transmission report: what it must have at least. Unknown members are left alone, for later versions. */

import * as v from "valibot";
import { decodeUtf8 } from "../base/bytes.ts";
import { MailteeError } from "../base/errors.ts";
import { SETTLEMENT_BYTES, settlementText, unknownEnd } from "./report.ts";
import type { TransmissionReport } from "./types.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp());
const tls = v.nullable(v.looseObject({ version: v.string(), cipher: v.string() }));
const recipients = v.array(v.looseObject({ address: v.string(), params: v.array(v.string()), reply: v.string() }));

const reportSchema = v.pipe(
  v.looseObject({
    version: v.literal(1),
    id: v.pipe(v.string(), v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)),
    proxy: v.looseObject({ name: v.string(), kind: v.picklist(["smtp", "lmtp", "pop3"]), listen: v.string() }),
    client: v.looseObject({
      address: v.string(),
      port: count,
      helo: v.nullable(v.string()),
      tls,
      authenticatedAs: v.nullable(v.string()),
    }),
    target: v.looseObject({ host: v.string(), address: v.string(), port: count, tls }),
    started: time,
    mail: v.looseObject({ size: count, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), headerSize: count }),
    smtp: v.exactOptional(v.looseObject({
      mailFrom: v.string(),
      params: v.array(v.string()),
      recipients,
      rejectedRecipients: recipients,
      reply: v.nullable(v.string()),
    })),
    pop3: v.exactOptional(v.looseObject({
      user: v.nullable(v.string()),
      uidl: v.nullable(v.string()),
      messageNumber: count,
    })),
    outcome: v.picklist(["accepted", "retrieved", "unknown"]),
    finished: v.nullable(time),
  }),
  v.check(
    (report) => (report.smtp === undefined) !== (report.pop3 === undefined),
    "one of smtp and pop3 has to be there",
  ),
  v.check((report) => report.mail.headerSize <= report.mail.size, "mail.headerSize is more than mail.size"),
);

/**
 * Reads a report. Where the settlement region alone is torn (by a disk that lost power while it wrote), the report is given
 * as it was sealed, with outcome "unknown".
 * Throws MailteeError "damaged" where it isn't JSON, "malformed" where something is missing or of a newer version.
 */
export function parseReport(json: Uint8Array): TransmissionReport {
  const value = parseJson(decodeUtf8(json));
  const result = v.safeParse(reportSchema, value);
  if (result.success) return result.output;
  const start = decodeUtf8(json.subarray(0, Math.max(0, json.length - SETTLEMENT_BYTES)));
  for (const kind of ["smtp", "pop3"] as const) {
    const asSealed = v.safeParse(reportSchema, parseJson(start + settlementText(unknownEnd(kind))));
    if (asSealed.success) return asSealed.output;
  }
  if (value === undefined) throw new MailteeError("damaged", "its report isn't JSON");
  throw malformedReport(value, result.issues[0]);
}

function malformedReport(value: unknown, issue: v.BaseIssue<unknown>): MailteeError {
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (typeof version === "number" && version > 1) {
    return new MailteeError("malformed", `its report is of version ${version}, this program reads version 1`, {
      hint: "Update mailtee here to the version that wrote the capture.",
    });
  }
  const path = v.getDotPath(issue);
  return new MailteeError("malformed", `its report is wrong${path === null ? "" : ` at ${path}`}: ${issue.message}`);
}

/** Undefined where the text isn't JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
