/** The catalog's tables. docs/archive-format.md explains them to those who read them by hand. */

/** "mlte": tells the catalog from other SQLite databases. */
export const APPLICATION_ID = 0x6d6c7465;

/**
 * Each takes the schema from the version of its index to the next; `PRAGMA user_version` is the number of those that were
 * carried out. What was released is never changed: a change is a new entry.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE archive (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;

  -- The full-text index: for each row an FTS5 table mail_text_NUMBER, with the ids of its oldest and its newest mail.
  CREATE TABLE index_part (
    number INTEGER PRIMARY KEY,
    mails INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
  ) STRICT;

  -- The id is in the order of time: seconds of the date since 1970, times 2^20, plus a random number.
  CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    subject TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    cc TEXT NOT NULL,
    message_id TEXT NOT NULL,
    attachments TEXT NOT NULL,
    attachment_count INTEGER NOT NULL,
    problems TEXT NOT NULL,
    index_part INTEGER NOT NULL REFERENCES index_part (number),
    added INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE run (
    id TEXT PRIMARY KEY,
    profile TEXT NOT NULL,
    started TEXT NOT NULL,
    protocol TEXT,
    left_files TEXT NOT NULL DEFAULT '[]'
  ) STRICT;
  CREATE INDEX run_by_profile ON run (profile, id);

  -- run.left_files has ranges of these ids: [[1, 8], [12, 12]].
  CREATE TABLE left_file (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    addresses TEXT NOT NULL,
    UNIQUE (file, code, reason, addresses)
  ) STRICT;

  CREATE TABLE capture (
    id TEXT PRIMARY KEY,
    mail INTEGER NOT NULL REFERENCES mail (id),
    file TEXT NOT NULL,
    proxy TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    started INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    run TEXT REFERENCES run (id),
    report TEXT NOT NULL,
    added INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX capture_by_mail ON capture (mail, started);
  CREATE INDEX capture_by_proxy ON capture (proxy, mail);

  -- Addresses as they compare; capture_address has their exact spelling too.
  CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE capture_address (
    capture TEXT NOT NULL REFERENCES capture (id),
    place INTEGER NOT NULL,
    role TEXT NOT NULL,
    address INTEGER NOT NULL REFERENCES address (id),
    spelled TEXT NOT NULL,
    PRIMARY KEY (capture, place)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX capture_address_by_address ON capture_address (address, role);

  CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    folded_name TEXT NOT NULL,
    addresses TEXT NOT NULL,
    pop3_users TEXT NOT NULL,
    removed INTEGER
  ) STRICT;
  CREATE INDEX user_by_folded_name ON user (folded_name);

  -- Whose a mail is, and by which capture it first became theirs.
  CREATE TABLE assignment (
    user INTEGER NOT NULL REFERENCES user (id),
    mail INTEGER NOT NULL REFERENCES mail (id),
    capture TEXT NOT NULL REFERENCES capture (id),
    added INTEGER NOT NULL,
    PRIMARY KEY (user, mail)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX assignment_by_mail ON assignment (mail);

  CREATE TABLE seen_file (
    folder TEXT NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    capture TEXT NOT NULL,
    state TEXT NOT NULL,
    addresses TEXT NOT NULL,
    PRIMARY KEY (folder, file)
  ) STRICT, WITHOUT ROWID;
  `,
];
