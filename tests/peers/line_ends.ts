const LF = 10;
const CR = 13;

/** A CR before every LF, for what a program keeps with the line ends of Unix. Octets are otherwise as they were. */
export function crlfFromLf(stored: Uint8Array): Uint8Array<ArrayBuffer> {
  const lines = stored.reduce((count, byte) => byte === LF ? count + 1 : count, 0);
  const content = new Uint8Array(stored.length + lines);
  let length = 0;
  for (const byte of stored) {
    if (byte === LF) content[length++] = CR;
    content[length++] = byte;
  }
  return content;
}

/** Without the CRs that stand before an LF, for programs that keep mails with the line ends of Unix. */
export function lfFromCrlf(mail: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(mail.filter((byte, index) => byte !== CR || mail[index + 1] !== LF));
}
