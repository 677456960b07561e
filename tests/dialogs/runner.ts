/** Runs dialogs against a real proxy over loopback sockets, with a scripted client and a scripted target. */

import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { encodeUtf8, equalBytes } from "../../src/base/bytes.ts";
import type { Clock } from "../../src/base/clock.ts";
import { TcpConnection } from "../../src/net/connection.ts";
import { DeadlineSweeper } from "../../src/net/deadlines.ts";
import { type Dialog, type Macros, parseDialogs, type Peer, type Step } from "./dialog.ts";
import { type KeptCapture, MemoryDrop } from "./memory_drop.ts";
import { type PeerTls, ScriptedPeer, settle, shown } from "./scripted_peer.ts";
import { TearableWire } from "./tearable_wire.ts";

/** What a dialog's proxy is started with. */
export interface DialogSetup {
  /** The dialog's options, for the protocol to understand. */
  readonly options: ReadonlyMap<string, string>;
  readonly targetPort: number;
  readonly drop: MemoryDrop;
  /** Stands still unless the dialog advances it. */
  readonly clock: Clock;
  /** Deadlines of connections in the same time. */
  readonly deadlines: DeadlineSweeper;
  /** A certificate for "localhost", self-signed. */
  readonly certificate: PeerTls;
}

/** A proxy under test. */
export interface DialogProxy {
  readonly port: number;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface DialogSuite {
  /** Folder of the `.dialog` files. */
  readonly folder: URL;
  startProxy(setup: DialogSetup): Promise<DialogProxy>;
  /** The facts of a capture that `capture:` lines can name, as text. */
  factsOf(capture: KeptCapture): Readonly<Record<string, string>>;
  /** What the proxy may send to the target of its own when a session is over. */
  readonly farewell: string;
}

/**
 * Registers each dialog as two tests: what the client sends in as few writes as the dialog has it, and byte by byte
 * (unless the dialog says `segmentation: whole`).
 */
export function registerDialogs(suite: DialogSuite): void {
  const folder = fromFileUrl(suite.folder);
  const macros: Macros = new Map();
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  if (names.includes("macros.txt")) {
    parseDialogs("macros.txt", Deno.readTextFileSync(join(folder, "macros.txt")), macros);
  }
  for (const name of names.filter((each) => each.endsWith(".dialog"))) {
    for (const dialog of parseDialogs(name, Deno.readTextFileSync(join(folder, name)), new Map(macros))) {
      const title = `${name.replace(/\.dialog$/, "")}: ${dialog.title}`;
      Deno.test(title, () => new DialogRun(suite, dialog, false).run());
      if (dialog.options.get("segmentation") === "whole") continue;
      Deno.test(`${title} (byte by byte)`, () => new DialogRun(suite, dialog, true).run());
    }
  }
}

const certificate: PeerTls = {
  cert: Deno.readTextFileSync(new URL("localhost.crt", import.meta.url)),
  key: Deno.readTextFileSync(new URL("localhost.key", import.meta.url)),
};

/** Time that only moves when it is told to. */
class StillTime {
  #now = 0;
  #sweeps = new Set<() => void>();
  #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  readonly clock: Clock = {
    now: () => Date.UTC(2026, 0, 1) + this.#now,
    monotonicMs: () => this.#now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: this.#now + ms, wake: resolve };
        this.#sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          this.#sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };

  readonly deadlines = new DeadlineSweeper({
    monotonicMs: () => this.#now,
    repeat: (sweep) => {
      this.#sweeps.add(sweep);
      return () => this.#sweeps.delete(sweep);
    },
  });

  advance(ms: number): void {
    this.#now += ms;
    for (const sweep of this.#sweeps) sweep();
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

class DialogRun {
  readonly #suite: DialogSuite;
  readonly #dialog: Dialog;
  readonly #byteByByte: boolean;
  readonly #drop = new MemoryDrop();
  readonly #time = new StillTime();
  #client: ScriptedPeer | null = null;
  #target: ScriptedPeer | null = null;
  /** Where the dialog resets a connection. */
  readonly #wires = new Map<Peer, TearableWire>();
  #captures = 0;
  /** The last step but captures was a reply to the client. */
  #clientHeard = false;
  #proxyOver: Promise<void> | null = null;

  constructor(suite: DialogSuite, dialog: Dialog, byteByByte: boolean) {
    this.#suite = suite;
    this.#dialog = dialog;
    this.#byteByByte = byteByByte;
  }

  async run(): Promise<void> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const unreachable = this.#dialog.options.get("target") === "unreachable";
    if (unreachable) listener.close();
    const proxy = await this.#suite.startProxy({
      options: this.#dialog.options,
      targetPort: await this.#wired("target", listener.addr.port),
      drop: this.#drop,
      clock: this.#time.clock,
      deadlines: this.#time.deadlines,
      certificate,
    });
    try {
      const tcp = await Deno.connect({ hostname: "127.0.0.1", port: await this.#wired("client", proxy.port) });
      this.#client = this.#peer("client", tcp, "client");
      for (const step of this.#dialog.steps) await this.#take(step, listener, proxy);
      await this.#finish();
    } finally {
      this.#drop.releaseSeals();
      this.#client?.connection.close();
      this.#target?.connection.close();
      if (!unreachable) listener.close();
      await proxy.stop();
      await this.#proxyOver;
      for (const wire of this.#wires.values()) await wire.close();
    }
    assertEquals(this.#drop.open.size, 0, "captures were left open");
  }

  /** The port to connect to for that one: a wire before it where the dialog resets the peer's connection. */
  async #wired(peer: Peer, port: number): Promise<number> {
    if (!this.#dialog.steps.some((step) => step.kind === "reset" && step.by === peer)) return port;
    const wire = await TearableWire.open(port, peer === "client" ? "called" : "caller");
    this.#wires.set(peer, wire);
    return wire.port;
  }

  #peer(name: "client" | "target", tcp: Deno.TcpConn, role: "client" | "server"): ScriptedPeer {
    const byteByByte = this.#byteByByte && name === "client";
    return new ScriptedPeer(name, new TcpConnection(tcp), { tls: certificate, role, byteByByte });
  }

  async #take(step: Step, listener: Deno.TcpListener, proxy: DialogProxy): Promise<void> {
    try {
      await this.#carryOut(step, listener, proxy);
      if (step.kind !== "capture" && step.kind !== "mail") {
        this.#clientHeard = step.kind === "receive" && step.by === "client";
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${step.where}: ${message}`, { cause: error });
    }
  }

  async #carryOut(step: Step, listener: Deno.TcpListener, proxy: DialogProxy): Promise<void> {
    switch (step.kind) {
      case "send":
        return await (await this.#peerOf(step.by, listener)).send(step.bytes);
      case "receive":
        return await (await this.#peerOf(step.by, listener)).expect(step.expected);
      case "peer":
        return await (await this.#peerOf(step.by, listener)).act(step.action);
      case "reset":
        return await this.#wires.get(step.by)?.tear();
      case "advance":
        await settle(10);
        return this.#time.advance(step.ms);
      case "drop":
        return this.#drop.fail(step.at, step.failure);
      case "seal":
        return step.action === "hold" ? this.#drop.holdSeals() : this.#drop.releaseSeals();
      case "proxy":
        this.#proxyOver = step.action === "drain" ? proxy.drain() : proxy.stop();
        return;
      case "capture":
        return await this.#expectCapture(step.facts);
      case "mail":
        return this.#expectMail(step.bytes);
      case "no-capture":
        await settle();
        return assertEquals(this.#drop.kept.length, this.#captures, "captures that the dialog doesn't name");
    }
  }

  async #peerOf(name: "client" | "target", listener: Deno.TcpListener): Promise<ScriptedPeer> {
    if (name === "target") this.#target ??= this.#peer("target", await listener.accept(), "server");
    const peer = name === "client" ? this.#client : this.#target;
    if (peer === null) throw new Error(`there is no ${name}`);
    return peer;
  }

  async #expectCapture(expected: ReadonlyMap<string, string>): Promise<void> {
    // What a client has heard of is there; otherwise it may take a moment.
    const patience = this.#clientHeard ? 0 : 1000;
    for (let waits = 0; this.#drop.kept.length <= this.#captures && waits < patience; waits++) await settle(1);
    const capture = this.#drop.kept[this.#captures];
    if (capture === undefined) throw new Error("there is no further capture");
    this.#captures++;
    const facts = this.#suite.factsOf(capture);
    const named = Object.fromEntries([...expected.keys()].map((key) => [key, facts[key]]));
    assertEquals(named, Object.fromEntries(expected));
  }

  #expectMail(bytes: Uint8Array): void {
    const mail = this.#drop.kept[this.#captures - 1]?.mail ?? new Uint8Array(0);
    if (!equalBytes(mail, bytes)) throw new Error(`the mail should be ${shown(bytes)}, is ${shown(mail)}`);
  }

  /** Both sides end, and nothing comes that the dialog doesn't name. */
  async #finish(): Promise<void> {
    if (this.#client !== null) {
      const rest = this.#client.connection.buffered;
      if (rest.length > 0) throw new Error(`the client got more: ${shown(rest)}`);
      this.#client.connection.close();
    }
    await this.#target?.expectEnd(encodeUtf8(this.#suite.farewell));
  }
}
