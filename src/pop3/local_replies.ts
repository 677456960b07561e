/** What the proxy itself says to clients, in one place. */

import { encodeUtf8 } from "../base/bytes.ts";
import { errorReply, temporaryError } from "./reply.ts";

export const localReplies = {
  beginTls: encodeUtf8("+OK Begin TLS negotiation\r\n"),
  tlsActive: errorReply("TLS is in use already"),
  tlsNotOffered: errorReply("TLS isn't offered here"),
  tlsTooLate: errorReply("STLS comes before the login"),
  tlsNeeded: errorReply("Logins need TLS here: use STLS first"),
  userNeeded: errorReply("Send USER first"),
  lineTooLong: errorReply("The line is too long"),
  badLineEnd: errorReply("A line ends with CR LF, and has no CR in it"),
  tooManyErrors: errorReply("Too many bad commands; closing"),
  copyFailed: temporaryError("No copy of this message can be kept now, so it isn't delivered; try again later"),
  notOneLine: errorReply("The server's answer isn't one line; it isn't passed on, since a message could be in it"),
  exchangeUnknown: errorReply("The server asks something in return, which isn't passed on"),
  targetUnreachable: temporaryError("The mail server can't be reached; try again later"),
  targetTls: temporaryError("No encrypted connection to the mail server can be made; try again later"),
  targetLost: temporaryError("The connection to the mail server was lost; try again later"),
  targetTimeout: temporaryError("The mail server doesn't answer; try again later"),
  targetUnintelligible: temporaryError("The mail server's answer can't be understood; closing"),
  tooManyConnections: temporaryError("Too many connections; try again later"),
  notAllowed: errorReply("[SYS/PERM] Connections from your address aren't allowed here"),
  shuttingDown: temporaryError("The service is being restarted; try again later"),
} as const;
