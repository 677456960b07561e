// Two sites, one archive. This is the branch: it relays and writes captures onto a share of the headquarters, and has no
// archive. two_sites_headquarters.config.ts takes them from there.
// When the share can't be reached, clients are told to try again later, and no mail passes without a copy.

import type { Config } from "./mailtee.d.ts";

export default {
  // Mounted from the headquarters' file server (SMB or NFS).
  dropFolder: "/mnt/headquarters/mailtee-drop",
  // The headquarters' archiver runs under another user of the group that owns the share.
  permissions: { files: "0660", folders: "0770" },
  proxies: [
    {
      kind: "smtp",
      name: "Branch, sending",
      listen: [{ address: "192.168.20.5", port: 587, tls: "starttls" }],
      target: { host: "mail.company.example", port: 587, tls: "starttls" },
      allowFrom: ["192.168.20.0/24"],
    },
    {
      kind: "pop3",
      name: "Branch, fetching",
      listen: [{ address: "192.168.20.5", port: 995, tls: "implicit" }],
      target: { host: "mail.company.example", port: 995, tls: "implicit" },
      allowFrom: ["192.168.20.0/24"],
    },
  ],
} satisfies Config;
