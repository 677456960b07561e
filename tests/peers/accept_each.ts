/** A listening socket whose connections are served one by one, beside each other. */
export interface Accepting {
  /** Those that are being served now. */
  readonly sessions: ReadonlySet<Promise<void>>;
  /** Accepts no more, does what `cut` says to those that are being served, and waits for them. */
  close(cut?: () => void): Promise<void>;
}

/** Serves each connection until it is closed; `serve` must not reject. */
export function acceptEach<Connection extends Deno.Conn>(
  listener: AsyncIterable<Connection> & { close(): void },
  serve: (connection: Connection) => Promise<void>,
): Accepting {
  const sessions = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      const session = serve(connection);
      sessions.add(session);
      session.finally(() => sessions.delete(session));
    }
  })();
  return {
    sessions,
    close: async (cut) => {
      listener.close();
      await accepting;
      cut?.();
      await Promise.all(sessions);
    },
  };
}
