// A company with a mail server of its own, which sends through the provider (its smarthost) and fetches from the
// provider's mailboxes with a POP3 collector. mailtee stands between the server and the provider, on the same machine.
// The server is told to send to 127.0.0.1 port 2525 and to fetch from 127.0.0.1 port 1100: docs/fitting-in.md.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "/var/spool/mailtee/drop",
  proxies: [
    {
      kind: "smtp",
      name: "Smarthost",
      // Only this machine can connect, so clear text is safe here.
      listen: [{ address: "127.0.0.1", port: 2525, tls: "none" }],
      target: {
        host: "smtp.provider.example",
        port: 587,
        tls: "starttls",
        // The provider's login moves from the mail server to mailtee. SMTP_PASSWORD stands in .env beside this file.
        credentials: { username: "relay@company.example", password: { env: "SMTP_PASSWORD" } },
      },
      allowFrom: ["localhost"],
    },
    {
      kind: "pop3",
      name: "Collector",
      listen: [{ address: "127.0.0.1", port: 1100, tls: "none" }],
      target: { host: "pop.provider.example", port: 995, tls: "implicit" },
      allowFrom: ["localhost"],
    },
  ],
  archive: {
    path: "/var/lib/mailtee/archive",
    users: [
      { name: "sales", addresses: ["sales@company.example", "order+*@company.example"] },
      { name: "everybody", addresses: ["*@company.example"], pop3Users: ["catchall-1"] },
    ],
  },
  profiles: { nightly: { schedule: "0 2 * * *", deleteArchived: true } },
} satisfies Config;
