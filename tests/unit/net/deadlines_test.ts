import { assertEquals } from "@std/assert";
import type { Deadlined } from "../../../src/net/deadlines.ts";
import { TestDeadlines } from "./sockets.ts";

function deadlined(deadline: number): Deadlined & { deadline: number; expired: number } {
  return {
    deadline,
    expired: 0,
    expire() {
      this.expired++;
    },
  };
}

Deno.test("DeadlineSweeper expires what is due, and nothing before", () => {
  const sweeper = new TestDeadlines();
  const [soon, late] = [deadlined(100), deadlined(300)];
  sweeper.watch(soon);
  sweeper.watch(late);
  sweeper.pass(99);
  assertEquals([soon.expired, late.expired], [0, 0]);
  sweeper.pass(1);
  assertEquals([soon.expired, late.expired], [1, 0]);
  sweeper.pass(200);
  assertEquals([soon.expired, late.expired], [2, 1]);
});

Deno.test("DeadlineSweeper takes note of a deadline that is moved to later or to sooner", () => {
  const sweeper = new TestDeadlines();
  const moved = deadlined(100);
  sweeper.watch(moved);
  moved.deadline = 500;
  sweeper.watch(moved);
  sweeper.pass(200);
  assertEquals(moved.expired, 0);
  moved.deadline = 250;
  sweeper.watch(moved);
  sweeper.pass(100);
  assertEquals(moved.expired, 1);
});

Deno.test("DeadlineSweeper runs only while something is watched", () => {
  const sweeper = new TestDeadlines();
  const [one, other] = [deadlined(1), deadlined(2)];
  assertEquals(sweeper.running, false);
  sweeper.watch(one);
  sweeper.watch(other);
  sweeper.watch(other);
  assertEquals([sweeper.running, sweeper.size], [true, 2]);
  sweeper.unwatch(one);
  sweeper.unwatch(one);
  assertEquals(sweeper.running, true);
  sweeper.unwatch(other);
  assertEquals(sweeper.running, false);
  sweeper.watch(one);
  sweeper.pass(1);
  assertEquals(one.expired, 1);
});

Deno.test("DeadlineSweeper lets what expires leave, and others with it", () => {
  const sweeper = new TestDeadlines();
  const other = deadlined(1);
  const leaving: Deadlined = {
    deadline: 1,
    expire() {
      sweeper.unwatch(leaving);
      sweeper.unwatch(other);
    },
  };
  sweeper.watch(leaving);
  sweeper.watch(other);
  sweeper.pass(1);
  assertEquals([sweeper.running, sweeper.size, other.expired], [false, 0, 0]);
});
