/** A mail that the server took, and its envelope. */
export interface ReceivedMail {
  /** Counts up from 1, in the order of acceptance. */
  readonly number: number;
  /** Reverse-path without angle brackets; "" is the null reverse-path. */
  readonly mailFrom: string;
  /** ESMTP parameters of MAIL FROM as they came. */
  readonly params: readonly string[];
  readonly recipients: readonly string[];
  readonly authenticatedAs: string | null;
  /** The octets as they came, nothing added. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Somebody who may log in. */
export interface Account {
  readonly username: string;
  readonly password: string;
  /** Mail to these addresses lies in the account's mailbox. */
  readonly addresses: readonly string[];
}

/** The mails of all mailboxes, in memory. Mail to an address of nobody is kept, too, under the address. */
export class Mailboxes {
  readonly #accounts: readonly Account[];
  readonly #accepted: ReceivedMail[] = [];
  readonly #mailboxes = new Map<string, ReceivedMail[]>();

  constructor(accounts: readonly Account[]) {
    this.#accounts = accounts;
  }

  /** The account of these credentials; undefined where there is none. */
  logIn(username: string, password: string): Account | undefined {
    return this.#accounts.find((account) => account.username === username && account.password === password);
  }

  /** Puts a mail into the mailbox of every recipient, once each. */
  deliver(mail: Omit<ReceivedMail, "number">): ReceivedMail {
    const received = { ...mail, number: this.#accepted.length + 1 };
    this.#accepted.push(received);
    for (const name of new Set(mail.recipients.map((address) => this.#mailboxOf(address)))) {
      this.of(name).push(received);
    }
    return received;
  }

  /** Every mail that was accepted, in order, whether or not it was deleted from a mailbox since. */
  get accepted(): readonly ReceivedMail[] {
    return this.#accepted;
  }

  /** The mails that lie in the mailbox of a user name, or of an address that no account has. */
  of(name: string): ReceivedMail[] {
    const key = name.toLowerCase();
    const mails = this.#mailboxes.get(key) ?? [];
    this.#mailboxes.set(key, mails);
    return mails;
  }

  /** Takes a mail out of one mailbox. */
  remove(name: string, mail: ReceivedMail): void {
    const mails = this.of(name);
    const index = mails.indexOf(mail);
    if (index >= 0) mails.splice(index, 1);
  }

  #mailboxOf(address: string): string {
    const wanted = address.toLowerCase();
    const owner = this.#accounts.find(({ addresses }) => addresses.some((each) => each.toLowerCase() === wanted));
    return owner?.username ?? address;
  }
}
