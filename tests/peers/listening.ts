import { isListening, type RunningProgram } from "./program.ts";

/** Waits until a program takes connections on all of these ports; one that doesn't is stopped, and this rejects. */
export async function whenListening(
  program: RunningProgram,
  ports: readonly number[],
  stop: () => Promise<unknown>,
): Promise<void> {
  try {
    await program.waitFor(async () => (await Promise.all(ports.map(isListening))).every((open) => open));
  } catch (error) {
    await stop();
    throw error;
  }
}
