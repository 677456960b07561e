/** Other machines beside this one, as far as one kernel can play them: network, host name and mounts of their own. */

import { join } from "@std/path";
import { type RunningProgram, runOrFail, runProgram, startProgram, until } from "../peers/program.ts";

export interface Machine {
  readonly name: string;
  /** Put before a program that is to run there, in a folder. */
  enter(folder: string): readonly string[];
  /** Ends all that was started to make it; programs that were started in it are the caller's. */
  end(): Promise<void>;
}

/** Starts a machine. `mount` is called with its mounts still being this machine's, to give it its own. */
export async function startMachine(
  name: string,
  mount: (machine: Machine) => Promise<Share> = noShare,
): Promise<Machine> {
  const script = `hostname ${name} && ip link set lo up && echo "ready $$" && exec sleep infinity`;
  const keeper = startProgram("unshare", {
    args: ["--net", "--uts", "--mount", "--fork", "--kill-child", "sh", "-c", script],
  });
  let share: Share | null = null;
  const end = async () => {
    await share?.end();
    await keeper.stop("SIGKILL");
  };
  try {
    await keeper.waitFor((output) => output.includes("ready"));
    const [, pid = ""] = /ready (\d+)/.exec(keeper.output()) ?? [];
    const machine: Machine = {
      name,
      enter: (folder) => ["nsenter", `--target=${pid}`, "--net", "--uts", "--mount", `--wdns=${folder}`],
      end,
    };
    share = await mount(machine);
    return machine;
  } catch (error) {
    await end();
    throw error;
  }
}

/** A folder that a machine has from elsewhere. */
export interface Share {
  end(): Promise<void>;
}

function noShare(): Promise<Share> {
  return Promise.resolve({ end: () => Promise.resolve() });
}

/** Whether locks on a shared folder are the same for all machines, or each machine's own. */
export type Locks = "shared" | "each its own";

/**
 * Mounts `source` at `target` through a file system in user space, as this machine or another one sees it: what is
 * written there reaches the others' mounts only by `source`, and so do locks.
 */
export async function mountShare(source: string, target: string, locks: Locks, machine?: Machine): Promise<Share> {
  const [binary = "", ...args] = [
    ...machine?.enter("/") ?? [],
    "bindfs",
    "-f",
    "--multithreaded",
    ...locks === "shared" ? ["--enable-lock-forwarding"] : [],
    source,
    target,
  ];
  const mounts = () => mountCount(target, machine);
  const before = await mounts();
  const server = startProgram(binary, { args });
  try {
    await server.waitFor(async () => await mounts() > before);
  } catch (error) {
    await server.stop("SIGKILL");
    throw error;
  }
  return { end: () => unmount(target, server, machine) };
}

async function mountCount(target: string, machine: Machine | undefined): Promise<number> {
  const [binary = "", ...args] = [...machine?.enter("/") ?? [], "cat", "/proc/self/mounts"];
  const { stdout } = await runOrFail(binary, { args });
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line.split(" ")[1] === target).length;
}

async function unmount(target: string, server: RunningProgram, machine: Machine | undefined): Promise<void> {
  const [binary = "", ...args] = [...machine?.enter("/") ?? [], "umount", target];
  await until(async () => (await runProgram(binary, { args })).code === 0, () => `${target} stays mounted`);
  await server.stop("SIGTERM");
}

/** Why no machines or shares can be made here; null where they can. */
export async function whyNoMachines(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "machines are made of namespaces, which Linux has";
  if (Deno.uid() !== 0) return "only root may make namespaces";
  const folder = await Deno.makeTempDir();
  const [source, target] = [join(folder, "source"), join(folder, "target")];
  try {
    await Deno.mkdir(source);
    await Deno.mkdir(target);
    const machine = await startMachine("probe", (machine) => mountShare(source, target, "shared", machine));
    await machine.end();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
