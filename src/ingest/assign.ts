import type { ArchiveUser, CaptureAddress } from "../archive/types.ts";
import { compileAddressPatterns } from "../message/addresses.ts";

/** Tells whose a capture is. */
export interface UserDirectory {
  /** Names of the users that have one of these addresses, sorted. */
  usersOf(addresses: readonly CaptureAddress[]): readonly string[];
}

/** Makes the directory once for a run. */
export function createUserDirectory(users: readonly ArchiveUser[]): UserDirectory {
  const lookup = compileAddressPatterns(users);
  return {
    usersOf(addresses) {
      const names = addresses.flatMap(({ role, address }) =>
        role === "pop3-user" ? lookup.ownersOfPop3User(address) : lookup.ownersOf(address)
      );
      return [...new Set(names)].sort();
    },
  };
}
