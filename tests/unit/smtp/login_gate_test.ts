import { assertEquals } from "@std/assert";
import { scryptSync } from "node:crypto";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { FORGET_MS, LoginGate, type LoginOutcome, MAX_FAILURES } from "../../../src/smtp/login_gate.ts";

const salt = encodeUtf8("sixteen octets!!");
const hash = new Uint8Array(scryptSync("right", salt, 32, { N: 16, r: 8, p: 1 }));
const passwordHash = `$scrypt$ln=4,r=8,p=1$${salt.toBase64({ omitPadding: true })}$${
  hash.toBase64({ omitPadding: true })
}`;
const clients = [{ username: "anna", passwordHash }];

/** A gate whose delays pass at once and are written down. */
class Bench {
  nowMs = 0;
  readonly delays: number[] = [];
  readonly #clock: Clock = {
    now: () => this.nowMs,
    monotonicMs: () => this.nowMs,
    sleep: (ms) => {
      this.delays.push(ms);
      return Promise.resolve();
    },
  };
  readonly gate = new LoginGate(this.#clock);

  check(username: string, password: string, address = "192.0.2.7"): Promise<LoginOutcome> {
    const { signal } = new AbortController();
    return this.gate.check({ clients, credentials: { username, password }, address, signal });
  }

  async fail(times: number, address?: string): Promise<void> {
    for (let time = 0; time < times; time++) assertEquals(await this.check("anna", "wrong", address), "refused");
  }
}

Deno.test("LoginGate.check() lets in who has the password, and nobody else", async () => {
  const bench = new Bench();
  assertEquals(await bench.check("anna", "right"), "accepted");
  assertEquals(bench.delays, []);
  for (const [name, password] of [["anna", "wrong"], ["anna", ""], ["Anna", "right"], ["ben", "right"], ["", ""]]) {
    assertEquals(await bench.check(name ?? "", password ?? ""), "refused");
  }
});

Deno.test("LoginGate.check() answers failures later and later, at most 8 s late", async () => {
  const bench = new Bench();
  await bench.fail(6);
  assertEquals(bench.delays, [1000, 2000, 4000, 8000, 8000, 8000]);
});

Deno.test("LoginGate.check() looks at no more logins from an address after many failures, until it forgets them", async () => {
  const bench = new Bench();
  await bench.fail(MAX_FAILURES);
  assertEquals(await bench.check("anna", "right"), "locked");
  assertEquals(await bench.check("anna", "right", "192.0.2.8"), "accepted");
  bench.nowMs += FORGET_MS - 1;
  assertEquals(await bench.check("anna", "right"), "locked");
  bench.nowMs += 1;
  assertEquals(await bench.check("anna", "right"), "accepted");
});

Deno.test("LoginGate.check() counts attempts that are made at the same time", async () => {
  const bench = new Bench();
  const attempts = Array.from({ length: 2 * MAX_FAILURES }, () => bench.check("anna", "wrong"));
  const outcomes = await Promise.all(attempts);
  assertEquals(outcomes.filter((outcome) => outcome === "refused").length, MAX_FAILURES);
});

Deno.test("LoginGate.check() doesn't count logins that are right", async () => {
  const bench = new Bench();
  for (let time = 0; time <= MAX_FAILURES; time++) assertEquals(await bench.check("anna", "right"), "accepted");
});

Deno.test("LoginGate.check() takes the addresses of an IPv6 network for one", async () => {
  const bench = new Bench();
  await bench.fail(MAX_FAILURES / 2, "2001:db8:1:2::7");
  await bench.fail(MAX_FAILURES / 2, "2001:db8:1:2:3:4:5:6");
  assertEquals(await bench.check("anna", "right", "2001:db8:1:2:ffff::1"), "locked");
  assertEquals(await bench.check("anna", "right", "2001:db8:1:3::7"), "accepted");
});

Deno.test("LoginGate.check() ends the delay with the session", async () => {
  const gate = new LoginGate({
    now: () => 0,
    monotonicMs: () => 0,
    sleep: (_ms, signal) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true })),
  });
  const session = new AbortController();
  const credentials = { username: "anna", password: "wrong" };
  const checking = gate.check({ clients, credentials, address: "::1", signal: session.signal });
  setTimeout(() => session.abort(), 0);
  assertEquals(await checking, "refused");
});
