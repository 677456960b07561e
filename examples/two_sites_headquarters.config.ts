// Two sites, one archive. This is the headquarters: it relays for its own people, and archives what both sites put into
// their drop folders. The branch has two_sites_branch.config.ts.

import type { Config } from "./mailtee.d.ts";

export default {
  dropFolder: "/srv/mailtee/drop",
  proxies: [
    {
      kind: "smtp",
      name: "Headquarters, sending",
      listen: [{ address: "192.168.10.5", port: 587, tls: "starttls" }],
      target: { host: "mail.company.example", port: 587, tls: "starttls" },
      allowFrom: ["192.168.10.0/24"],
    },
  ],
  archive: {
    path: "/srv/mailtee/archive",
    // People come and go: they stand in a file of their own, which the personnel office's script writes.
    users: { file: "users.yaml" },
  },
  profiles: {
    headquarters: { schedule: "0 1 * * *", deleteArchived: true },
    // The folder that the branch has mounted.
    branch: { dropFolder: "/srv/shares/mailtee-drop", schedule: "0 3 * * *", deleteArchived: true },
  },
} satisfies Config;
