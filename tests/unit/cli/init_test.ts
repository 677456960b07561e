import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as check } from "../../../src/cli/check.ts";
import { parseCommandLine } from "../../../src/cli/command.ts";
import { command as init } from "../../../src/cli/init.ts";
import { collectAnswers } from "../../../src/cli/init_questions.ts";
import { configTypes } from "../../../src/config/config_types.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { EXAMPLE_ANSWERS } from "../../../src/config/starter.ts";
import { withFolder } from "../config/folder.ts";
import { runCommand } from "./run_command.ts";

/** The names in a folder, sorted. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("init writes a config that loads, and that check has no errors and no warnings for", async () => {
  for (
    const [flags, names] of [
      [[], [".env.example", "mailtee.d.ts", "proxy.config.ts"]],
      [["--yaml"], [".env.example", "proxy.config.yaml"]],
    ] as const
  ) {
    await withFolder({}, async (folder) => {
      const directory = join(folder, "new", "place");
      const { exitCode, output } = await runCommand(init, directory, "--yes", ...flags);
      assertEquals(exitCode, 0);
      assertStringIncludes(output, "mailtee check");
      assertEquals(await namesIn(directory), [...names]);
      const checked = await runCommand(check, directory, "--offline", "--json");
      const [report] = checked.documents;
      assertEquals(checked.exitCode, 0);
      const { findings } = Object(report);
      assertEquals(findings.filter(({ severity }: { severity: string }) => severity === "error"), []);
    });
  }
});

Deno.test("init writes what the options say", async () => {
  await withFolder({ ".env": "SMTP_PASSWORD=x" }, async (folder) => {
    const options = [
      ...[
        "--smtp-host",
        "smtp.isp.example",
        "--smtp-tls",
        "starttls",
        "--smtp-user",
        "office",
        "--smtp-listen",
        "2525",
      ],
      ...["--pop3-host", "pop.isp.example", "--pop3-port", "1110", "--pop3-tls", "none", "--pop3-listen", "1100"],
      ...["--listen", "127.0.0.1", "--user", "bert", "--addresses", "bert@isp.example, b@isp.example"],
    ];
    await runCommand(init, folder, ...options);
    const { proxies: [smtp, pop3], archive } = await loadConfig(folder, { secrets: "required" });
    assertEquals(
      smtp?.listen.map(({ address, port, tls }) => [address, port, tls]),
      [["127.0.0.1", 2525, "starttls"]],
    );
    assertEquals([smtp?.target.host, smtp?.target.port, smtp?.target.tls], ["smtp.isp.example", 587, "starttls"]);
    assertEquals([smtp?.target.credentials?.username, smtp?.target.credentials?.password.reveal()], ["office", "x"]);
    assertEquals([pop3?.target.host, pop3?.target.port, pop3?.target.tls], ["pop.isp.example", 1110, "none"]);
    assertEquals(pop3?.listen[0]?.port, 1100);
    assertEquals(archive?.users, [{ name: "bert", addresses: ["bert@isp.example", "b@isp.example"], pop3Users: [] }]);
  });
});

Deno.test("init leaves a config alone that is there, in either language, unless --force is given", async () => {
  for (const name of ["proxy.config.ts", "proxy.config.yaml"]) {
    await withFolder({ [name]: "mine" }, async (folder) => {
      const error = await assertRejects(() => runCommand(init, folder, "--yes"), MailteeError);
      assertEquals([error.code, error.message], ["usage", `${join(folder, name)} is there already.`]);
      assertEquals(await Deno.readTextFile(join(folder, name)), "mine");
      assertEquals(await namesIn(folder), [name]);
    });
  }
  await withFolder({ "proxy.config.ts": "mine" }, async (folder) => {
    const { documents } = await runCommand(init, folder, "--yes", "--force", "--json");
    assertEquals(documents, [{ directory: folder, written: ["proxy.config.ts", "mailtee.d.ts", ".env.example"] }]);
    await loadConfig(folder);
  });
});

Deno.test("init --types only brings mailtee.d.ts up to date", async () => {
  await withFolder({ "proxy.config.ts": "mine", "mailtee.d.ts": "old" }, async (folder) => {
    await runCommand(init, folder, "--types");
    assertEquals(await Deno.readTextFile(join(folder, "mailtee.d.ts")), configTypes());
    assertEquals(await Deno.readTextFile(join(folder, "proxy.config.ts")), "mine");
  });
});

Deno.test("init says why it can't write", async () => {
  await withFolder({ file: "" }, async (folder) => {
    const error = await assertRejects(() => runCommand(init, join(folder, "file", "below"), "--yes"), MailteeError);
    assertEquals(error.code, "io");
  });
});

Deno.test("collectAnswers() asks for what the options leave open, and again after an answer of no use", () => {
  const { options } = parseCommandLine(init, ["--smtp-host", "smtp.isp.example", "--pop3-listen", "1100"]);
  const asked: string[] = [];
  const said = ["starttls", "99999", "", "2525", "office", "", "", "", "::", "bert", "b@isp.example", ""];
  const answers = collectAnswers(options, (question, suggestion) => {
    asked.push(`${question} [${suggestion}]`);
    return said[asked.length - 1] ?? null;
  });
  assertEquals(asked, [
    "TLS with it: implicit, starttls or none [implicit]",
    "Its port [587]",
    "Its port [587]",
    "Port on which your clients send [25]",
    "User name to log in with for all clients (empty: they log in themselves) []",
    "POP3 server of your provider [pop.provider.example]",
    "TLS with it: implicit, starttls or none [implicit]",
    "Its port [995]",
    "Address to listen on (0.0.0.0: all of IPv4) [0.0.0.0]",
    "Name of the first user of the archive [anna]",
    "Mail addresses of this user, separated by commas []",
    "POP3 user names of this user, separated by commas []",
  ]);
  assertEquals(answers, {
    listenAddress: "::",
    smtp: { listenPort: 2525, host: "smtp.isp.example", port: 587, tls: "starttls" },
    smtpUser: "office",
    pop3: { listenPort: 1100, host: "pop.provider.example", port: 995, tls: "implicit" },
    user: { name: "bert", addresses: ["b@isp.example"], pop3Users: [] },
  });
});

Deno.test("collectAnswers() stops where no answer comes any more, and takes suggestions where nobody is asked", () => {
  const { options } = parseCommandLine(init, []);
  assertThrows(() => collectAnswers(options, () => null), MailteeError, "Nothing was written.");
  assertEquals(collectAnswers(options, null), EXAMPLE_ANSWERS);
});

Deno.test("collectAnswers() refuses an option of no use", () => {
  for (const [name, value] of [["smtp-port", "0"], ["smtp-tls", "ssl"], ["pop3-host", " "], ["pop3-listen", "1e3"]]) {
    const { options } = parseCommandLine(init, [`--${name}`, value ?? ""]);
    const error = assertThrows(() => collectAnswers(options, null), MailteeError, `--${name} is '${value}'.`);
    assertEquals(error.code, "usage");
  }
});
