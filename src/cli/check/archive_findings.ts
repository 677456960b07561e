import { relative } from "@std/path";
import type { ArchiveConfig, ProfileConfig, ResolvedConfig, UserConfig } from "../../config/types.ts";
import { type Finding, note, warning } from "./findings.ts";

/** What can be said of archive, users and profiles without looking at the disk. */
export function archiveFindings(config: ResolvedConfig): Finding[] {
  const { archive } = config;
  if (archive === null) return [];
  const profiles = Object.values(config.profiles);
  return [
    ...usersFindings(archive.users),
    ...profiles.flatMap(profileFindings),
    ...flowFindings(config, profiles),
    ...nestingFindings(config, archive),
  ];
}

function usersFindings(users: readonly UserConfig[]): Finding[] {
  if (users.length === 0) {
    const text = "There are no users, so that no mail can be assigned and all stay in the drop folder.";
    return [warning("no-users", "archive.users", text)];
  }
  return [...users.flatMap((user, index) => userFindings(user, `archive.users[${index}]`)), ...sharedAddresses(users)];
}

function userFindings({ name, addresses, pop3Users }: UserConfig, where: string): Finding[] {
  if (addresses.length + pop3Users.length === 0) {
    return [
      warning("user-without-address", where, `User ${name} has no addresses and no POP3 user names, and gets no mail.`),
    ];
  }
  return addresses.filter((address) => !address.includes("@")).map((address) => {
    const text = `User ${name}: '${address}' has no @, and matches only mails whose envelope has none either.`;
    return warning("address-without-domain", `${where}.addresses`, text);
  });
}

function sharedAddresses(users: readonly UserConfig[]): Finding[] {
  const owners = new Map<string, string[]>();
  for (const { name, addresses } of users) {
    for (const address of new Set(addresses.map((each) => each.toLowerCase()))) {
      owners.set(address, [...owners.get(address) ?? [], name]);
    }
  }
  return [...owners].filter(([, names]) => names.length > 1).map(([address, names]) =>
    note("shared-address", "archive.users", `Mails of ${address} go to ${names.join(" and ")}.`)
  );
}

function profileFindings({ name, deleteUnassigned }: ProfileConfig): Finding[] {
  if (!deleteUnassigned) return [];
  const text = `Profile ${name} deletes captures whose addresses no user has; those mails are then in no archive.`;
  return [warning("deletes-unassigned", `profiles.${name}.deleteUnassigned`, text)];
}

/** Drop folders that are filled here and emptied by no profile. */
function flowFindings(config: ResolvedConfig, profiles: readonly ProfileConfig[]): Finding[] {
  const filled = new Set(config.proxies.map(({ dropFolder }) => dropFolder));
  const emptied = new Set(profiles.map(({ dropFolder }) => dropFolder));
  return [...filled].filter((folder) => !emptied.has(folder)).map((folder) =>
    warning("not-emptied", "profiles", `No profile takes mails out of ${folder}, so that they pile up there.`)
  );
}

function nestingFindings(config: ResolvedConfig, archive: ArchiveConfig): Finding[] {
  const folders = [...config.proxies, ...Object.values(config.profiles)].map(({ dropFolder }) => dropFolder);
  return [...new Set(folders)]
    .filter((folder) => isInside(archive.path, folder) || isInside(folder, archive.path))
    .map((folder) => {
      const text = `The archive ${archive.path} and the drop folder ${folder} lie one in the other; keep them apart.`;
      return warning("nested-folders", "archive.path", text);
    });
}

/** True where `path` is `folder` or lies in it. */
function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || !/^(?:\.\.(?:[\\/]|$)|[A-Za-z]:|[\\/])/.test(way);
}
