import type { CaptureAddress } from "../archive/types.ts";

/** Tells whose a capture is. */
export interface UserDirectory {
  /** Names of the users that have one of these addresses. */
  usersOf(addresses: readonly CaptureAddress[]): readonly string[];
}
