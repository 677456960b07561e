import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../../src/base/bytes.ts";
import { InputBuffer } from "../../../src/net/input_buffer.ts";
import { randomBytes, randomSource } from "./random.ts";

Deno.test("InputBuffer keeps what isn't consumed, whatever way it came in", () => {
  const random = randomSource(1);
  const buffer = new InputBuffer();
  let kept = new Uint8Array(0);
  for (let round = 0; round < 5000; round++) {
    const bytes = randomBytes(random, Math.floor(random() * 200));
    if (random() < 0.5) {
      buffer.append(bytes.slice());
      kept = concatBytes([kept, bytes]);
    } else {
      const room = buffer.room(256);
      const taken = bytes.subarray(0, room.length);
      room.set(taken);
      buffer.grow(taken.length);
      kept = concatBytes([kept, taken]);
    }
    assertEquals(buffer.bytes.every((byte, index) => byte === kept[index]) && buffer.length === kept.length, true);
    const count = random() < 0.3 ? kept.length : Math.floor(random() * (kept.length + 1));
    buffer.consume(count);
    kept = kept.slice(count);
  }
});

Deno.test("InputBuffer.detach() leaves bytes as they are, whatever comes in after", () => {
  const random = randomSource(2);
  const buffer = new InputBuffer();
  const detached: { readonly view: Uint8Array; readonly bytes: Uint8Array }[] = [];
  for (let round = 0; round < 2000; round++) {
    const size = random() < 0.1 ? 64 : 256;
    if (random() < 0.2) buffer.append(randomBytes(random, 50));
    const room = buffer.room(size);
    assertEquals(room.length * 4 >= size, true);
    const count = Math.floor(random() * (room.length + 1));
    room.set(randomBytes(random, count));
    buffer.grow(count);
    const view = buffer.bytes.subarray(0, Math.floor(random() * (buffer.length + 1)));
    detached.push({ view, bytes: view.slice() });
    buffer.detach(view.length);
    if (random() < 0.3) buffer.consume(buffer.length);
  }
  for (const { view, bytes } of detached) assertEquals(view, bytes);
});

Deno.test("InputBuffer.room() goes on in memory of which a part was detached, as long as there's enough", () => {
  const buffer = new InputBuffer();
  const memories = new Set<ArrayBufferLike>();
  for (let round = 0; round < 100; round++) {
    memories.add(buffer.room(1000).buffer);
    buffer.grow(10);
    buffer.detach(10);
  }
  assertEquals(memories.size, 2);
  for (const memory of memories) assertEquals(memory.byteLength, 1000);
});

Deno.test("InputBuffer.append() takes a chunk over without a copy where nothing is buffered", () => {
  const buffer = new InputBuffer();
  const chunk = new Uint8Array(100);
  buffer.append(chunk);
  assertEquals(buffer.bytes.buffer === chunk.buffer, true);
});

Deno.test("InputBuffer.room() gives large memory back once it's empty and less is asked for", () => {
  const buffer = new InputBuffer();
  assertEquals(buffer.room(65_536).length, 65_536);
  buffer.grow(65_536);
  buffer.consume(65_536);
  const room = buffer.room(2048);
  assertEquals([room.length, room.buffer.byteLength], [2048, 2048]);
});

Deno.test("InputBuffer.room() has a quarter of what is asked for at least, at most all", () => {
  const buffer = new InputBuffer();
  for (let round = 0; round < 100; round++) {
    const { length } = buffer.room(1000);
    assertEquals(length >= 250 && length <= 1000, true, `${length}`);
    buffer.grow(length);
    buffer.consume(round % 3);
  }
});

Deno.test("InputBuffer.clear() gives how many bytes it drops", () => {
  const buffer = new InputBuffer();
  buffer.append(new Uint8Array(5));
  buffer.consume(2);
  assertEquals([buffer.clear(), buffer.length, buffer.clear()], [3, 0, 0]);
  assertThrows(() => buffer.consume(-1), RangeError);
});
