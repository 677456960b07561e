/**
 * The config as people write it: for every key its type, its default and what it means. `mailtee.d.ts`, the check of a
 * config, its error messages and the tables of docs/configuration.md are all made from this.
 */

import * as v from "valibot";
import { flag, mode, path, schedule, text, timeZone, userAddress, whole, word } from "./fields.ts";
import { proxySchema } from "./proxy_schema.ts";
import { depends, key, list, section } from "./schema_parts.ts";

const user = section("User", {
  name: key(text("a name"), "Name of the user in the archive and in `user:` of a search."),
  addresses: v.optional(
    key(
      list(userAddress, "addresses"),
      'Mails to and from these addresses are the user\'s. Patterns: "*@company.example", "anna+*@company.example".',
    ),
    [],
  ),
  pop3Users: v.optional(
    key(list(text("a POP3 user name"), "POP3 user names"), "Mails fetched under these POP3 user names are the user's."),
    [],
  ),
});

/** The list of users, in the config or in a file of its own. */
export const usersSchema = list(user, "users");

const usersFile = v.pipe(
  v.object({ file: key(path, "YAML or JSON file with a list of users.") }, "a list of users or { file: PATH }"),
  v.description("The list of users in a file of its own."),
);

/** Where the archive is, and for whom. */
export const archiveSchema = section("Archive", {
  path: key(path, "Folder of the archive."),
  users: v.optional(
    key(
      v.lazy((given) => Array.isArray(given) ? usersSchema : usersFile),
      "Who has which addresses; or { file: PATH } with the same list in a YAML or JSON file.",
    ),
    [],
  ),
});

/** One archive profile. */
export const profileSchema = section("Profile", {
  dropFolder: depends(path, "The drop folder to take mails from.", "the config's `dropFolder`"),
  deleteArchived: v.optional(
    key(flag, "Delete a capture from the drop folder once its mail is safe in the archive."),
    false,
  ),
  deleteUnassigned: v.optional(
    key(flag, "Delete captures whose addresses no user has. They are gone then: nobody has archived them."),
    false,
  ),
  schedule: depends(
    schedule,
    'When `mailtee run` runs the profile, as a cron expression: "0 2 * * *" is every night at two.',
    "only when `mailtee archive` asks for it",
  ),
  timeZone: depends(timeZone, 'Time zone of the schedule: "Europe/Berlin".', "this machine's"),
});

/** The whole document. */
export const configSchema = section("Config", {
  dropFolder: v.optional(
    key(path, "Folder that the proxies write captures into, and profiles take them from. May be on a network share."),
    "./drop",
  ),
  proxies: v.optional(
    key(list(proxySchema, "proxies"), "The proxies; none on a machine that only archives."),
    [],
  ),
  archive: depends(archiveSchema, "The archive.", "none, on a machine that only relays"),
  profiles: v.optional(
    key(
      v.record(text("a name"), profileSchema, "an object with one profile a name"),
      "How the drop folder is emptied into the archive, by name: `mailtee archive --profile NAME`.",
    ),
    {},
  ),
  log: v.optional(
    key(
      section("Log", {
        level: v.optional(
          key(word(["debug", "info", "warning", "error"]), "What is logged: this and what is worse."),
          "info",
        ),
        format: v.optional(key(word(["text", "json"]), "One line of text or one JSON object a record."), "text"),
      }),
      "The log, on standard error; `--log-level` and `--log-format` go before it.",
    ),
    {},
  ),
  drainSeconds: v.optional(
    key(
      whole(0, 3600, "whole seconds from 0 to 3600"),
      "How long running sessions may take to finish when `mailtee run` is stopped or restarted.",
    ),
    30,
  ),
  permissions: v.optional(
    key(
      section("Permissions", {
        files: v.optional(key(mode, "Permissions of files in the drop folder and the archive."), "0600"),
        folders: v.optional(key(mode, "Permissions of folders."), "0700"),
      }),
      "Unix permissions; widen them where an archiver under another user shares the drop folder.",
    ),
    {},
  ),
  certificateFolder: v.optional(
    key(path, "Folder of the self-signed certificate, for listeners that name no certificate of their own."),
    ".",
  ),
});

/** A config as it is written. */
export type ConfigInput = v.InferInput<typeof configSchema>;
/** A config with its defaults, paths not yet absolute. */
export type ParsedConfig = v.InferOutput<typeof configSchema>;
export type ParsedArchive = v.InferOutput<typeof archiveSchema>;
export type ParsedProfile = v.InferOutput<typeof profileSchema>;
export type ParsedUsers = v.InferOutput<typeof usersSchema>;
