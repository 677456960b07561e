/** What the proxy itself says to a client (RFC 5321 section 4.2, enhanced codes of RFC 3463 and 5248). */

import { formatReply } from "./reply.ts";

export const localReplies = {
  // Commands
  unknownCommand: formatReply(500, "5.5.2", "Command not recognized"),
  badSyntax: formatReply(501, "5.5.4", "Syntax error in parameters"),
  badSender: formatReply(501, "5.1.7", "Syntax error in the sender's address or its parameters"),
  badRecipient: formatReply(501, "5.1.3", "Syntax error in the recipient's address or its parameters"),
  badParameter: formatReply(555, "5.5.4", "MAIL FROM or RCPT TO parameter not recognized"),
  lineTooLong: formatReply(500, "5.5.6", "Line too long"),
  bareNewline: formatReply(500, "5.5.2", "Line must end in CRLF, with no CR or LF before it"),
  notImplemented: formatReply(502, "5.5.1", "Command not implemented"),
  tooManyErrors: formatReply(421, "4.7.0", "Too many errors, closing connection"),
  synchronization: formatReply(554, "5.5.0", "SMTP protocol synchronization error: wait for the reply"),

  // Order of commands
  helloFirst: formatReply(503, "5.5.1", "Send EHLO or HELO first"),
  wrongHello: formatReply(500, "5.5.1", "This service speaks LMTP: send LHLO"),
  lhloOnSmtp: formatReply(500, "5.5.1", "This service speaks SMTP: send EHLO"),
  mailFirst: formatReply(503, "5.5.1", "Send MAIL first"),
  nestedMail: formatReply(503, "5.5.1", "Nested MAIL command: send RSET first"),
  recipientFirst: formatReply(503, "5.5.1", "Send RCPT first"),
  noValidRecipients: formatReply(554, "5.5.1", "No valid recipients"),
  notBetweenChunks: formatReply(503, "5.5.1", "Not allowed between the chunks of a mail"),
  chunkFailed: formatReply(503, "5.5.1", "An earlier chunk of this mail failed: send RSET"),
  noChunking: formatReply(503, "5.5.1", "CHUNKING was not offered"),
  needsChunking: formatReply(503, "5.5.1", "A mail with BODY=BINARYMIME needs BDAT"),
  tooManyRecipients: formatReply(452, "4.5.3", "Too many recipients"),

  // TLS and AUTH
  readyForTls: formatReply(220, "2.0.0", "Ready to start TLS"),
  noStartTls: formatReply(502, "5.5.1", "STARTTLS is not available"),
  alreadyTls: formatReply(503, "5.5.1", "TLS is already active"),
  noTlsAfterAuth: formatReply(503, "5.5.1", "STARTTLS is not allowed after AUTH"),
  authNeedsTls: formatReply(538, "5.7.11", "Encryption required for authentication: send STARTTLS first"),
  noAuth: formatReply(503, "5.5.1", "AUTH is not available: this service logs in by itself"),
  authMechanism: formatReply(504, "5.5.4", "Authentication mechanism not available"),
  authLineTooLong: formatReply(500, "5.5.6", "Authentication exchange line is too long"),
  authCancelled: formatReply(501, "5.7.0", "Authentication cancelled"),
  authMalformed: formatReply(501, "5.5.2", "Authentication response can't be understood"),
  loginFirst: formatReply(530, "5.7.0", "Authentication required"),
  loggedIn: formatReply(235, "2.7.0", "Authentication successful"),
  alreadyLoggedIn: formatReply(503, "5.5.1", "Already authenticated"),
  badCredentials: formatReply(535, "5.7.8", "Authentication credentials invalid"),
  tooManyLogins: formatReply(421, "4.7.0", "Too many failed logins, closing connection"),
  authNotBase64: formatReply(501, "5.5.2", "Authentication response is not base64"),
  requireTls: formatReply(550, "5.7.30", "REQUIRETLS support required"),

  // The mail
  tooBig: formatReply(552, "5.3.4", "Message size exceeds the limit"),
  bareCarriageReturn: formatReply(550, "5.5.2", "Message refused: bare <CR> received"),
  bareLineFeed: formatReply(550, "5.5.2", "Message refused: bare <LF> received"),
  nulOctet: formatReply(550, "5.5.2", "Message refused: NUL received"),
  copyNoSpace: formatReply(452, "4.3.1", "Insufficient system storage, try again later"),
  copyFailed: formatReply(451, "4.3.0", "Local error, try again later"),
  answerLost: formatReply(451, "4.4.2", "Connection to the mail server was lost, try again later"),
  answerTimeout: formatReply(451, "4.4.2", "The mail server didn't answer in time, try again later"),
  unintelligible: formatReply(451, "4.5.0", "The mail server's answer can't be understood, try again later"),

  // The session
  goodbye: formatReply(221, "2.0.0", "Bye"),
  targetUnreachable: formatReply(421, "4.3.2", "The mail server can't be reached, try again later"),
  targetLost: formatReply(421, "4.4.2", "Connection to the mail server was lost, try again later"),
  targetTimeout: formatReply(421, "4.4.2", "The mail server didn't answer in time, try again later"),
  targetUnintelligible: formatReply(421, "4.5.0", "The mail server's answer can't be understood, try again later"),
  targetNoTls: formatReply(421, "4.7.0", "No TLS with the mail server, try again later"),
  targetLogin: formatReply(421, "4.7.0", "The mail server refused the login of this service, try again later"),
  targetUntold: formatReply(421, "4.3.5", "The mail server can't be told who the client is, try again later"),
  newConnection: formatReply(421, "4.3.0", "Connection to the mail server was closed, connect again"),
  clientTimeout: formatReply(421, "4.4.2", "Timeout, closing connection"),
  shuttingDown: formatReply(421, "4.3.2", "Service shutting down, try again later"),
  tooManyConnections: formatReply(421, "4.7.0", "Too many connections, try again later"),
  notAllowed: formatReply(554, "5.7.1", "Access denied"),
} as const;
