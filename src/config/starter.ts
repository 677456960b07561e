/** The files that `mailtee init` writes, as text. */

import type { TlsMode } from "../net/types.ts";

/** What a first config depends on. */
export interface StarterAnswers {
  /** Address to listen on. */
  readonly listenAddress: string;
  readonly smtp: StarterProxy;
  /** User name that the SMTP proxy logs in with; null where clients log in themselves. */
  readonly smtpUser: string | null;
  readonly pop3: StarterProxy;
  /** The first user of the archive. */
  readonly user: {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly pop3Users: readonly string[];
  };
}

export interface StarterProxy {
  readonly listenPort: number;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
}

/** The environment variable that holds the password of `smtpUser`. */
export const PASSWORD_VARIABLE = "SMTP_PASSWORD";

/** What stands for servers and people until somebody writes the real ones. */
export const EXAMPLE_ANSWERS: StarterAnswers = {
  listenAddress: "0.0.0.0",
  smtp: { listenPort: 25, host: "smtp.provider.example", port: 465, tls: "implicit" },
  smtpUser: null,
  pop3: { listenPort: 110, host: "pop.provider.example", port: 995, tls: "implicit" },
  user: { name: "anna", addresses: ["anna@company.example", "info@company.example"], pop3Users: ["m12345-1"] },
};

const EXAMPLE_USER = "office@company.example";

const COMMENTS = {
  dropFolder: "Each mail that passes becomes a file here, with a report of its transmission.",
  smtp: "Mail clients, scanners and mail servers send through this proxy.",
  ownLogin:
    `Clients log in with their own names. To log in for all of them, take in this line and put the password into .env:`,
  heldLogin: `The proxy logs in for all clients. ${PASSWORD_VARIABLE} stands in .env.`,
  allowFrom: 'Who may connect. "private": this machine and private networks; narrower is better: "192.168.1.0/24".',
  pop3: "Mail clients and POP3 collectors fetch through this proxy.",
  users: 'Whose mail is it? By address ("*@company.example" is any of a domain) or by POP3 user name.',
  profiles: "Every night at two into the archive; `mailtee archive --profile nightly` does it at once.",
} as const;

/** `proxy.config.ts`. */
export function starterTypeScript(answers: StarterAnswers): string {
  const { listenAddress, smtp, smtpUser, pop3, user } = answers;
  const text = JSON.stringify;
  const login = (username: string) =>
    `credentials: { username: ${text(username)}, password: { env: "${PASSWORD_VARIABLE}" } },`;
  return `// What mailtee does. mailtee.d.ts documents every key; an editor shows it.
// After a change: \`mailtee check\`, then restart \`mailtee run\`.

import type { Config } from "./mailtee.d.ts";

export default {
  // ${COMMENTS.dropFolder}
  dropFolder: "./drop",
  proxies: [
    {
      // ${COMMENTS.smtp}
      kind: "smtp",
      name: "SMTP Proxy Server",
      listen: [{ address: ${text(listenAddress)}, port: ${smtp.listenPort}, tls: "starttls" }],
      target: {
        host: ${text(smtp.host)},
        port: ${smtp.port},
        tls: "${smtp.tls}",
        // ${smtpUser === null ? COMMENTS.ownLogin : COMMENTS.heldLogin}
        ${smtpUser === null ? `// ${login(EXAMPLE_USER)}` : login(smtpUser)}
      },
      // ${COMMENTS.allowFrom}
      allowFrom: ["private"],
    },
    {
      // ${COMMENTS.pop3}
      kind: "pop3",
      name: "POP3 Proxy Server",
      listen: [{ address: ${text(listenAddress)}, port: ${pop3.listenPort}, tls: "starttls" }],
      target: { host: ${text(pop3.host)}, port: ${pop3.port}, tls: "${pop3.tls}" },
      allowFrom: ["private"],
    },
  ],
  archive: {
    path: "./archive",
    // ${COMMENTS.users}
    users: [
      {
        name: ${text(user.name)},
        addresses: ${listText(user.addresses)},
        pop3Users: ${listText(user.pop3Users)},
      },
    ],
  },
  profiles: {
    // ${COMMENTS.profiles}
    nightly: { deleteArchived: false, deleteUnassigned: false, schedule: "0 2 * * *" },
  },
} satisfies Config;
`;
}

/** `proxy.config.yaml`, the same document. */
export function starterYaml(answers: StarterAnswers): string {
  const { listenAddress, smtp, smtpUser, pop3, user } = answers;
  const text = JSON.stringify;
  const login = (username: string, mark: string) =>
    [
      "credentials:",
      `  username: ${text(username)}`,
      `  password: { env: ${PASSWORD_VARIABLE} }`,
    ].map((line) => `      ${mark}${line}\n`).join("");
  return `# What mailtee does. docs/configuration.md documents every key.
# After a change: \`mailtee check\`, then restart \`mailtee run\`.

# ${COMMENTS.dropFolder}
dropFolder: ./drop

proxies:
  # ${COMMENTS.smtp}
  - kind: smtp
    name: SMTP Proxy Server
    listen:
      - { address: ${text(listenAddress)}, port: ${smtp.listenPort}, tls: starttls }
    target:
      host: ${text(smtp.host)}
      port: ${smtp.port}
      tls: ${smtp.tls}
      # ${smtpUser === null ? COMMENTS.ownLogin.replace("this line", "these lines") : COMMENTS.heldLogin}
${smtpUser === null ? login(EXAMPLE_USER, "# ") : login(smtpUser, "")}    # ${COMMENTS.allowFrom}
    allowFrom: [private]

  # ${COMMENTS.pop3}
  - kind: pop3
    name: POP3 Proxy Server
    listen:
      - { address: ${text(listenAddress)}, port: ${pop3.listenPort}, tls: starttls }
    target:
      host: ${text(pop3.host)}
      port: ${pop3.port}
      tls: ${pop3.tls}
    allowFrom: [private]

archive:
  path: ./archive
  # ${COMMENTS.users}
  users:
    - name: ${text(user.name)}
      addresses: ${listText(user.addresses)}
      pop3Users: ${listText(user.pop3Users)}

profiles:
  # ${COMMENTS.profiles}
  nightly:
    deleteArchived: false
    deleteUnassigned: false
    schedule: "0 2 * * *"
`;
}

/** `.env.example`. */
export function starterEnv(): string {
  return `# Copy this file to .env, which mailtee reads beside the config, and keep it from other people's eyes (chmod 600 .env).
# Quotes are needed where a password has spaces or a #. A variable of the environment goes before one from here.
${PASSWORD_VARIABLE}="the password at your provider"
`;
}

function listText(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
}
