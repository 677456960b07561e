import { assertEquals } from "@std/assert";
import { TcpTransport } from "../../../src/net/transport.ts";
import { nextTurn } from "./sockets.ts";

/** A socket whose peer doesn't read: writes wait until `settle` is called. */
function stuckSocket() {
  const write = Promise.withResolvers<number>();
  return {
    settle: write,
    closed: 0,
    read: () => Promise.resolve(null),
    write: () => write.promise,
    closeWrite: () => Promise.resolve(),
    close() {
      this.closed++;
    },
  };
}

Deno.test("TcpTransport.released() waits for the write that keeps a closed socket", async () => {
  for (const end of ["resolve", "reject"] as const) {
    const socket = stuckSocket();
    const transport = new TcpTransport(socket);
    const writing = transport.write(new Uint8Array(1)).catch(() => 0);
    transport.close();
    let released = false;
    const release = transport.released().then(() => released = true);
    await nextTurn();
    assertEquals(released, false);
    if (end === "resolve") socket.settle.resolve(1);
    else socket.settle.reject(new Error("Broken pipe"));
    await Promise.all([release, writing]);
  }
});

Deno.test("TcpTransport.released() resolves at once where nothing was written", async () => {
  const transport = new TcpTransport(stuckSocket());
  transport.close();
  await transport.released();
});

Deno.test("TcpTransport.close() closes the socket once", () => {
  const socket = stuckSocket();
  const transport = new TcpTransport(socket);
  transport.close();
  transport.close();
  assertEquals(socket.closed, 1);
});
