// In a container: everything that has to last lies under /data, one volume. See container.Dockerfile and
// container.compose.yaml. The password comes as a secret, a file that the container engine mounts.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "/data/drop",
  // This file's own folder is read-only in the container.
  certificateFolder: "/data/tls",
  proxies: [
    {
      kind: "smtp",
      name: "SMTP",
      listen: [{ address: "0.0.0.0", port: 2525, tls: "starttls" }],
      target: {
        host: "smtp.provider.example",
        port: 465,
        tls: "implicit",
        credentials: { username: "relay@company.example", password: { file: "/run/secrets/smtp_password" } },
      },
      // The network of the containers that send.
      allowFrom: ["172.16.0.0/12"],
    },
    {
      kind: "pop3",
      name: "POP3",
      listen: [{ address: "0.0.0.0", port: 1100, tls: "starttls" }],
      target: { host: "pop.provider.example", port: 995, tls: "implicit" },
      allowFrom: ["172.16.0.0/12"],
    },
  ],
  archive: {
    path: "/data/archive",
    users: [{ name: "everybody", addresses: ["*@company.example"], pop3Users: ["m12345-1"] }],
  },
  profiles: { hourly: { schedule: "15 * * * *", deleteArchived: true } },
  // Logs are read by machines there.
  log: { format: "json" },
  // Less than the ten seconds after which a container engine kills.
  drainSeconds: 8,
} satisfies Config;
