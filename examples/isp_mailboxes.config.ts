// A company without a mail server of its own: everybody has a mailbox at the provider, mail clients send and fetch there.
// mailtee runs on one machine in the office; the mail clients are given its name in place of the provider's.
// Take this file as proxy.config.ts, beside mailtee.d.ts. The clients' passwords pass through; mailtee knows none.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "./drop",
  proxies: [
    {
      kind: "smtp",
      name: "Sending",
      listen: [
        // Clients set to "STARTTLS" …
        { address: "0.0.0.0", port: 587, tls: "starttls" },
        // … and those set to "SSL/TLS".
        { address: "0.0.0.0", port: 465, tls: "implicit" },
      ],
      target: { host: "smtp.provider.example", port: 465, tls: "implicit" },
      requireTlsForAuth: true,
      allowFrom: ["192.168.10.0/24", "localhost"],
    },
    {
      kind: "pop3",
      name: "Fetching",
      listen: [
        { address: "0.0.0.0", port: 110, tls: "starttls" },
        { address: "0.0.0.0", port: 995, tls: "implicit" },
      ],
      target: { host: "pop.provider.example", port: 995, tls: "implicit" },
      requireTlsForAuth: true,
      allowFrom: ["192.168.10.0/24", "localhost"],
      // These clients leave mails on the server and fetch them with every device.
      recapture: "never",
    },
  ],
  archive: {
    path: "./archive",
    users: [
      { name: "anna", addresses: ["anna@company.example", "info@company.example"], pop3Users: ["m12345-1"] },
      { name: "bert", addresses: ["bert@company.example", "info@company.example"], pop3Users: ["m12345-2"] },
    ],
  },
  profiles: {
    // At half past every hour of a working day, and a last time at night.
    daytime: { schedule: "30 7-19 * * 1-5", timeZone: "Europe/Berlin", deleteArchived: true },
    night: { schedule: "0 2 * * *", timeZone: "Europe/Berlin", deleteArchived: true },
  },
} satisfies Config;
