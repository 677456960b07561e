import { assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl, join, relative, toFileUrl } from "@std/path";

/**
 * Which room may import which (docs/architecture.md); every room may import `base` and itself. A room that isn't
 * listed fails the test, so that a new one is thought about.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  net: [],
  sasl: [],
  drop: [],
  message: [],
  schedule: [],
  archive: ["message"],
  config: ["net", "message", "sasl"],
  smtp: ["net", "sasl", "drop"],
  pop3: ["net", "sasl", "drop"],
  ingest: ["drop", "message", "archive"],
  export: ["archive", "message"],
  demo: ["app", "drop", "archive", "ingest"],
  app: ["config", "net", "sasl", "smtp", "pop3", "drop", "message", "archive", "ingest", "schedule"],
  cli: [
    "app",
    "archive",
    "config",
    "demo",
    "drop",
    "export",
    "ingest",
    "message",
    "net",
    "pop3",
    "sasl",
    "schedule",
    "smtp",
  ],
};

interface Edge {
  readonly from: string;
  readonly to: string;
  /** What becomes of the import: types vanish when the program runs. */
  readonly kind: "code" | "type" | "dynamic";
}

const repository = fromFileUrl(new URL("..", import.meta.url));

Deno.test("src/ imports only along the arrows of the architecture", async () => {
  const edges = await importsOfSources();
  assertGreater(edges.length, 10);
  const forbidden = edges.filter(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    return room !== other && other !== "base" && !(ARROWS[room] ?? []).includes(other);
  });
  assertEquals(forbidden.map(({ from, to }) => `${from} → ${to}`), []);
  const unknown = new Set(edges.map(({ from }) => roomOf(from)).filter((room) => ARROWS[room] === undefined));
  assertEquals([...unknown], []);
});

Deno.test("src/ has no import cycles", async () => {
  // Commands are loaded on demand, and some of them read the table that loads them.
  const edges = (await importsOfSources()).filter(({ kind }) => kind === "code");
  assertEquals(findCycle(edges)?.join(" → "), undefined);
});

Deno.test("the arrows themselves have no cycle", () => {
  const edges = Object.entries(ARROWS).flatMap(([from, others]) => others.map((to) => ({ from, to })));
  assertEquals(findCycle(edges), undefined);
});

Deno.test("findCycle() finds a cycle behind a diamond", () => {
  const diamond = [["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"]];
  const edges = diamond.map(([from = "", to = ""]) => ({ from, to }));
  assertEquals(findCycle(edges), undefined);
  assertEquals(findCycle([...edges, { from: "d", to: "c" }]), ["d", "c", "d"]);
});

/** The room of a path such as `src/net/dial.ts` or `src/app.ts`. */
function roomOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/** All imports between files of src/, types and dynamic ones too, as Deno's own module graph tells them. */
async function importsOfSources(): Promise<Edge[]> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-arrows-" });
  try {
    const root = join(folder, "all.ts");
    const sources = [...walkSources(join(repository, "src"))];
    await Deno.writeTextFile(root, sources.map((path) => `import "${toFileUrl(path)}";\n`).join(""));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", join(repository, "deno.json"), root],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return edgesOf(JSON.parse(new TextDecoder().decode(stdout)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function* walkSources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* walkSources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

function edgesOf(graph: ModuleGraph): Edge[] {
  return graph.modules.flatMap((module) => {
    const from = pathInSources(module.specifier);
    if (from === undefined) return [];
    return (module.dependencies ?? []).flatMap((dependency) => {
      const to = pathInSources(dependency.code?.specifier ?? dependency.type?.specifier ?? "");
      const kind = dependency.isDynamic === true ? "dynamic" : dependency.code === undefined ? "type" : "code";
      return to === undefined ? [] : [{ from, to, kind }];
    });
  });
}

function pathInSources(specifier: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const path = relative(repository, fromFileUrl(specifier)).replaceAll("\\", "/");
  return path.startsWith("src/") ? path : undefined;
}

/** The first cycle found, its first node repeated at the end; undefined where there is none. */
function findCycle(edges: readonly { readonly from: string; readonly to: string }[]): string[] | undefined {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const { to } of targets.get(node) ?? []) {
      const cycle = visit(to);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of targets.keys()) {
    const cycle = visit(node);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
