/** The program with a bug in it, named by MAILTEE_SOWN; its files behave otherwise, its own code is as it is. */

const { prototype } = Deno.FsFile;

const BUGS: Readonly<Record<string, () => void>> = {
  "omits the flush of content": () => {
    prototype.syncData = () => Promise.resolve();
  },
  "omits the flush of folders": () => {
    prototype.sync = () => Promise.resolve();
  },
  "ignores failed flushes": () => {
    const flush = prototype.syncData;
    prototype.syncData = function () {
      return flush.call(this).catch(() => {});
    };
  },
  /** No bug, but strace has to be told which file shall fail. */
  "names temporary files alike": () => {
    crypto.randomUUID = () => "0-0-0-0-0";
  },
  /** What is written reaches the system some time later; everything else goes on as if it had been written. */
  "answers before it has written": () => {
    const write = prototype.writeSync;
    prototype.writeSync = function (bytes) {
      const copy = bytes.slice();
      const late = () => write.call(this, copy);
      if (copy.length < 200) return late();
      setTimeout(() => {
        try {
          late();
        } catch {
          return; // the file was closed meanwhile
        }
      }, 40);
      return bytes.length;
    };
  },
  "keeps some connections to targets": () => {
    const { connect } = Deno;
    let count = 0;
    Reflect.set(Deno, "connect", async (options: Deno.ConnectOptions) => {
      const connection = await connect(options);
      if (++count % 10 === 0) connection.close = () => {};
      return connection;
    });
  },
  "keeps some files open": () => {
    const close = prototype.close;
    let count = 0;
    prototype.close = function () {
      if (++count % 10 !== 0) close.call(this);
    };
  },
  "forgets all time limits": () => {
    Reflect.set(globalThis, "setInterval", () => 0);
  },
};

BUGS[Deno.env.get("MAILTEE_SOWN") ?? ""]?.();
await import("../../main.ts");
