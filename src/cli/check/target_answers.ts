/** What a target said in a session like those that the proxy makes. */
export interface TargetAnswers {
  readonly greeting: string;
  /** Extensions of EHLO or capabilities of CAPA, one each, as under TLS where there is TLS. */
  readonly capabilities: readonly string[];
  /** Null where the proxy holds no credentials, and so tries none. */
  readonly login: "accepted" | "refused" | null;
  /** Why no session can be had, in words; null where one can. */
  readonly problem: string | null;
}
