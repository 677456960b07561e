import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { MailteeError } from "../../../src/base/errors.ts";
import { Doorbell } from "../../../src/net/doorbell.ts";
import type { Connection } from "../../../src/net/types.ts";
import { Leg } from "../../../src/smtp/leg.ts";

function unused(): never {
  throw new Error("only writing here");
}

/** A leg, and the bytes of its only write, as they are whenever one looks; the write ends when it is told to. */
function legWithOneWrite() {
  const written = Promise.withResolvers<void>();
  let bytes = new Uint8Array(0);
  const connection: Connection = {
    remote: { address: "", port: 0 },
    local: { address: "", port: 0 },
    tls: null,
    buffered: new Uint8Array(0),
    consume: unused,
    detach: unused,
    fill: unused,
    setDeadline: unused,
    setReadSize: unused,
    write(given: Uint8Array<ArrayBuffer>) {
      bytes = given;
      return written.promise;
    },
    startServerTls: unused,
    startClientTls: unused,
    closeWrite: unused,
    close: unused,
  };
  return { leg: new Leg(connection, new Doorbell()), written, seen: () => decodeUtf8(bytes) };
}

Deno.test("append() leaves alone what is being written, on the same leg and on others", async () => {
  const [one, other] = [legWithOneWrite(), legWithOneWrite()];
  one.leg.appendLine(encodeUtf8("250 first"));
  const flushing = one.leg.flush();
  one.leg.appendLine(encodeUtf8("250 later"));
  other.leg.appendLine(encodeUtf8("550 other"));
  assertEquals(one.seen(), "250 first\r\n");
  one.written.resolve();
  await flushing;
  assertEquals(one.leg.hasOutput, true);
});

Deno.test("append() never uses the memory of a write that failed: the system may still be reading it", async () => {
  const failed = legWithOneWrite();
  failed.leg.appendLine(encodeUtf8("250 secret"));
  const flushing = failed.leg.flush();
  failed.written.reject(new MailteeError("timeout", "too slow"));
  await flushing;
  for (let count = 0; count < 3; count++) legWithOneWrite().leg.appendLine(encodeUtf8("550 other"));
  assertEquals(failed.seen(), "250 secret\r\n");
});

Deno.test("flush() writes long outputs whole, and short ones after them", async () => {
  for (const length of [3, 511, 512, 513, 5000, 3]) {
    const { leg, written, seen } = legWithOneWrite();
    leg.append(encodeUtf8("x".repeat(length)));
    leg.appendLine(encodeUtf8("end"));
    written.resolve();
    await leg.flush();
    assertEquals(seen(), `${"x".repeat(length)}end\r\n`);
  }
});
