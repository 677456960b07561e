// On Windows: mailtee starts with the system by the Task Scheduler (`mailtee service schtasks` prints the script).
// Paths may be written with forward slashes; backslashes would have to be doubled.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "D:/mailtee/drop",
  proxies: [
    {
      kind: "smtp",
      name: "SMTP Proxy Server",
      listen: [{ address: "0.0.0.0", port: 25, tls: "starttls" }],
      // The mail server on the same machine, moved to another port.
      target: { host: "127.0.0.1", port: 2525 },
      allowFrom: ["192.168.0.0/16", "localhost"],
    },
    {
      kind: "pop3",
      name: "POP3 Proxy Server",
      listen: [{ address: "0.0.0.0", port: 110, tls: "starttls" }],
      target: { host: "127.0.0.1", port: 1100 },
      allowFrom: ["192.168.0.0/16", "localhost"],
    },
  ],
  archive: {
    path: "D:/mailtee/archive",
    users: [{ name: "anna", addresses: ["anna@company.example"], pop3Users: ["anna"] }],
  },
  profiles: { nightly: { schedule: "0 2 * * *" } },
} satisfies Config;
