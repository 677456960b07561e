// In front of the company's own mail server, on the machine that the internet sends to (the MX): every mail that comes in
// is copied before the server has accepted it. The server decides who may send what; mailtee is transparent.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "/var/spool/mailtee/drop",
  proxies: [
    {
      kind: "smtp",
      name: "From the internet",
      listen: [
        {
          address: "0.0.0.0",
          port: 25,
          certificate: { certFile: "/etc/ssl/mail/fullchain.pem", keyFile: "/etc/ssl/mail/privkey.pem" },
        },
      ],
      // The server sees all connections come from mailtee: it must not relay for this machine's address without a login.
      target: { host: "127.0.0.1", port: 2525 },
      // Everybody may connect: that is what an MX is for.
      allowFrom: ["0.0.0.0/0"],
      limits: { connections: 2000, connectionsPerAddress: 20, recipients: 100, mailSize: "50MB" },
    },
  ],
  archive: {
    path: "/var/lib/mailtee/archive",
    users: [{ name: "everybody", addresses: ["*@company.example"] }],
  },
  profiles: { nightly: { schedule: "0 2 * * *", deleteArchived: true } },
} satisfies Config;
