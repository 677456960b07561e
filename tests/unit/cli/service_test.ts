import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { command as service } from "../../../src/cli/service.ts";
import { serviceFile, type ServiceKind } from "../../../src/cli/service_files.ts";
import { loadFrom, withFolder } from "../config/folder.ts";
import { runCommand } from "./run_command.ts";

const CONFIG = {
  "proxy.config.yaml": `
dropFolder: /srv/mail drop/100%
drainSeconds: 45
proxies:
  - { kind: smtp, listen: [{ address: 127.0.0.1 }], target: { host: a.example } }
archive: { path: /srv/archive }
profiles:
  nightly: { schedule: "0 2 * * *" }
  with seconds: { schedule: "30 15 3 * * 1-5" }
  by hand: {}
`,
};

async function fileOf(kind: ServiceKind): Promise<string> {
  const config = await loadFrom(CONFIG);
  const { text } = serviceFile(kind, { program: ["/opt/mail tee/mailtee"], config, user: "mailtee" });
  return text.replaceAll(config.directory, "DIR");
}

/** The value of a key in a unit. */
function valueIn(unit: string, key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];
}

Deno.test("serviceFile() makes a systemd unit that may listen on low ports and write its folders, and little else", async () => {
  const unit = await fileOf("systemd");
  assertEquals(valueIn(unit, "ExecStart"), `"/opt/mail tee/mailtee" run DIR/proxy.config.yaml`);
  assertEquals(valueIn(unit, "ReadWritePaths"), `"/srv/mail drop/100%%" /srv/archive DIR`);
  assertEquals(valueIn(unit, "AmbientCapabilities"), "CAP_NET_BIND_SERVICE");
  assertEquals(valueIn(unit, "ExecReload"), "/bin/kill -HUP $MAINPID");
  assertEquals(valueIn(unit, "TimeoutStopSec"), "75");
  assertEquals(valueIn(unit, "User"), "mailtee");
  for (const key of ["NoNewPrivileges", "LockPersonality"]) assertEquals(valueIn(unit, key), "true");
  assertEquals(valueIn(unit, "ProtectSystem"), "strict");
  // It is under /tmp here, which a private one would hide.
  assertEquals(valueIn(unit, "PrivateTmp"), "false");
});

Deno.test("serviceFile() makes a unit that systemd understands", async () => {
  const config = await loadFrom(CONFIG);
  const { text } = serviceFile("systemd", { program: [Deno.execPath()], config, user: "root" });
  await withFolder({ "mailtee.service": text }, async (folder) => {
    try {
      const { success, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", "--man=no", join(folder, "mailtee.service")],
      }).output();
      assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
});

Deno.test("serviceFile() makes a cron line for each profile", async () => {
  const lines = (await fileOf("cron")).trim().split("\n").filter((line) => !line.startsWith("#"));
  const run = `mailtee '/opt/mail tee/mailtee' archive --profile`;
  assertEquals(lines, [
    `0 2 * * * ${run} nightly --config DIR/proxy.config.yaml`,
    `15 3 * * 1-5 ${run} 'with seconds' --config DIR/proxy.config.yaml`,
    `0 2 * * * ${run} 'by hand' --config DIR/proxy.config.yaml`,
  ]);
});

Deno.test("serviceFile() makes a Task Scheduler script without a time limit", async () => {
  const script = await fileOf("schtasks");
  assertStringIncludes(script, `-Execute '/opt/mail tee/mailtee' -Argument 'run DIR/proxy.config.yaml'`);
  assertStringIncludes(script, "-ExecutionTimeLimit ([TimeSpan]::Zero)");
  assertStringIncludes(script, `icacls "/srv/mail drop/100%"`);
});

Deno.test("serviceFile() makes a launchd job that is well-formed", async () => {
  const job = await fileOf("launchd");
  assertStringIncludes(job, "<string>/opt/mail tee/mailtee</string>\n    <string>run</string>");
  await withFolder({ job }, async (folder) => {
    const program = "import plistlib, sys; print(plistlib.load(open(sys.argv[1], 'rb'))['ExitTimeOut'])";
    try {
      const { stdout } = await new Deno.Command("python3", { args: ["-c", program, join(folder, "job")] }).output();
      assertEquals(new TextDecoder().decode(stdout), "75\n");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
});

Deno.test("service prints the file, and says where it belongs", async () => {
  await withFolder(CONFIG, async (folder) => {
    const { exitCode, output, notes } = await runCommand(service, "cron", "--config", folder, "--user", "post");
    assertEquals(exitCode, 0);
    assertStringIncludes(output, " post ");
    assertStringIncludes(notes, "/etc/cron.d/mailtee");
    await assertRejects(() => runCommand(service, "upstart", "--config", folder), MailteeError, "'upstart'");
  });
});
