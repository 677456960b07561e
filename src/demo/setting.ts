import type { Account } from "./mailboxes.ts";

/** Who is who in the demo: the accounts at the provider, and the config that mailtee runs with. */

export const ANNA: Account = {
  username: "m12345-1",
  password: "blue-folder",
  addresses: ["anna@company.example", "info@company.example"],
};

export const OFFICE: Account = { username: "office@company.example", password: "twelve-pencils", addresses: [] };

/** The user of the archive that is added in the course of the demo. */
export const CLAIRE = { name: "claire", addresses: ["claire@company.example"] };

const FIRST_USERS = [
  { name: "anna", addresses: ANNA.addresses, pop3Users: [ANNA.username] },
  { name: "ben", addresses: ["ben@company.example"] },
];

export const PROFILE = "nightly";

/** The provider's answer to RCPT for an address that it doesn't know. */
export function refuseUnknown(address: string): string | null {
  return address === "purchasing@customer.example" ? "550 5.1.1 <purchasing@customer.example>: no such user" : null;
}

/** The text of a `proxy.config.ts` for the provider's ports; ports of mailtee's own are chosen by the system. */
export function configText(ports: { readonly smtp: number; readonly pop3: number }, withClaire: boolean): string {
  const listen = [{ address: "127.0.0.1", port: 0, tls: "none" }];
  const config = {
    dropFolder: "./drop",
    proxies: [
      {
        kind: "smtp",
        name: "SMTP Proxy Server",
        listen,
        target: {
          host: "127.0.0.1",
          port: ports.smtp,
          credentials: { username: OFFICE.username, password: OFFICE.password },
        },
      },
      { kind: "pop3", name: "POP3 Proxy Server", listen, target: { host: "127.0.0.1", port: ports.pop3 } },
    ],
    archive: { path: "./archive", users: withClaire ? [...FIRST_USERS, CLAIRE] : FIRST_USERS },
    profiles: { [PROFILE]: {} },
  };
  return `export default ${JSON.stringify(config, null, 2)};\n`;
}
