import type { Pop3ProxyStats } from "../pop3/counters.ts";
import type { SmtpProxyStats } from "../smtp/counters.ts";

/** What a running program tells of itself; `mailtee status` shows it. */
export interface AppStatus {
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly configFile: string;
  readonly proxies: readonly ProxyStatus[];
  readonly dropFolders: readonly DropFolderStatus[];
  readonly jobs: readonly JobStatus[];
}

export type ProxyStatus =
  & {
    readonly name: string;
    /** `address:port`, IPv6 addresses in brackets. */
    readonly listen: readonly string[];
    readonly target: string;
  }
  & (
    | { readonly kind: "smtp" | "lmtp"; readonly stats: SmtpProxyStats }
    | { readonly kind: "pop3"; readonly stats: Pop3ProxyStats }
  );

/** A drop folder's captures since the program was started. */
export interface DropFolderStatus {
  readonly path: string;
  readonly open: number;
  readonly committed: number;
  /** Captures that couldn't be begun, or met a failure of the disk. */
  readonly failed: number;
  /** Sealed captures that can't be put into the drop folder now; it's tried again and again. */
  readonly setAside: number;
  readonly bytes: number;
}

export interface JobStatus {
  readonly profile: string;
  /** ISO 8601, UTC; null where the schedule has no next time. */
  readonly next: string | null;
  readonly running: boolean;
}
