import type { App } from "../app.ts";
import { equalBytes } from "../base/bytes.ts";
import { listDropFolder } from "../drop/folder.ts";
import { readCapture, readMail } from "../drop/reader.ts";
import type { TransmissionReport } from "../drop/types.ts";
import { fetchMails } from "./pop3_client.ts";
import { countOf, type Scene } from "./scene.ts";
import { ANNA } from "./setting.ts";
import { submitMails } from "./smtp_client.ts";

/** The proxies, as a client in the office knows them. */
export function showProxies({ narrator, app }: Scene): void {
  narrator.step("mailtee stands before it, started from a proxy.config.ts as 'mailtee run' would.");
  for (const { name, listen, target } of app.status().proxies) {
    narrator.say(`${name} listens on ${listen.join(", ")} and relays to ${target}.`);
  }
}

/** Sends the samples through the SMTP proxy, and compares what arrived. */
export async function sendSamples({ narrator, server, app, samples }: Scene): Promise<void> {
  narrator.step(`A client sends ${countOf(samples.length, "mail")} through the SMTP proxy, which logs in for it.`);
  const results = await Array.fromAsync(submitMails(portOf(app, "smtp"), samples));
  const { accepted } = server.mailboxes;
  const arrived = samples.every(({ content }, index) => equalBytes(content, accepted[index]?.content ?? NOTHING));
  narrator.check(
    results.every((result) => result.accepted) && arrived && accepted.length === samples.length,
    `Each arrived at the provider byte for byte: ${samples.map(({ name }) => name).join(", ")}.`,
  );
  const [rejected, ...more] = results.flatMap((result) => result.rejected);
  narrator.check(
    rejected?.address === "purchasing@customer.example" && more.length === 0,
    `One recipient was refused by the provider, and the client heard it: ${rejected?.reply ?? "(nothing)"}`,
  );
}

/** Fetches Anna's mails through the POP3 proxy, and compares what came. */
export async function fetchHerMails({ narrator, server, app }: Scene): Promise<void> {
  const lying = [...server.mailboxes.of(ANNA.username)];
  narrator.step(`Anna fetches her ${countOf(lying.length, "mail")} through the POP3 proxy.`);
  const fetched = await Array.fromAsync(fetchMails(portOf(app, "pop3"), { ...ANNA, delete: true }));
  const same = lying.every(({ content }, index) => equalBytes(content, fetched[index]?.content ?? NOTHING));
  narrator.check(
    same && fetched.length === lying.length && lying.length > 0 && server.mailboxes.of(ANNA.username).length === 0,
    "Each came byte for byte, and was deleted from the provider's mailbox afterwards.",
  );
}

/** Looks at the copies, and compares them with what went over the wire. */
export async function lookIntoDropFolder({ narrator, server, app, samples }: Scene): Promise<void> {
  const folder = app.config.dropFolder;
  const captures = await Promise.all((await listDropFolder(folder)).map((entry) => readCapture(entry.path)));
  narrator.step(`The drop folder holds ${countOf(captures.length, "file")}: one for each transmission.`);
  const sent = captures.filter(({ report }) => report.smtp !== undefined);
  const mails = await Promise.all(sent.map(readMail));
  narrator.check(
    sent.length === samples.length &&
      mails.every((mail, index) => equalBytes(mail, samples[index]?.content ?? NOTHING)),
    "Each contains the exact bytes of its mail, and a report of how it was transmitted:",
  );
  const [first] = sent;
  const [fetched] = captures.filter(({ report }) => report.pop3 !== undefined);
  narrator.check(first?.report.outcome === "accepted", describe(first?.report));
  narrator.check(
    fetched?.report.outcome === "retrieved" && captures.length > server.mailboxes.accepted.length,
    describe(fetched?.report),
  );
}

const NOTHING = new Uint8Array(0);

function portOf(app: App, kind: "smtp" | "pop3"): number {
  const proxy = app.status().proxies.find((each) => each.kind === kind);
  return Number(proxy?.listen[0]?.split(":").at(-1));
}

function describe(report: TransmissionReport | undefined): string {
  if (report?.smtp !== undefined) {
    const { mailFrom, recipients } = report.smtp;
    const to = recipients.map(({ address }) => address).join(", ");
    return `${report.mail.size} bytes from ${mailFrom} to ${to}, ${report.outcome} by ${report.target.host}`;
  }
  if (report?.pop3 !== undefined) {
    const { user, uidl } = report.pop3;
    return `${report.mail.size} bytes, ${report.outcome} by POP3 user ${user}, UIDL ${uidl}`;
  }
  return "(no report)";
}
