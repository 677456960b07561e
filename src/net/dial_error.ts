import { errorText, MailteeError } from "../base/errors.ts";
import { errorNumber } from "../base/files.ts";
import { formatAddress } from "./address.ts";
import type { TargetOptions } from "./types.ts";

const PORTS_HINT = "Check that the server runs there, that the port is right (SMTP 25, 465, 587; POP3 110, 995) " +
  "and that no firewall is in the way.";

/** What an address answered to an attempt to connect, by the system error's POSIX name. */
const ANSWERS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection",
  ECONNRESET: "reset the connection",
  ETIMEDOUT: "did not answer",
  EHOSTUNREACH: "cannot be reached: no way to the host",
  ENETUNREACH: "cannot be reached: no way to its network",
  EACCES: "was forbidden by a firewall of this machine",
  EPERM: "was forbidden by a firewall of this machine",
  EMFILE: "was not tried: no file descriptors are left",
};

/**
 * Why a target can't be reached.
 *
 * @param answers the addresses that were tried, each with the error that came of it, undefined where none came in time
 * @param error what ended the attempt; undefined where time was up
 */
export function unreachable(
  target: Pick<TargetOptions, "host" | "port" | "connectTimeoutMs">,
  answers: ReadonlyMap<string, unknown>,
  error: unknown,
): MailteeError {
  const { host, port } = target;
  const limit = `within ${target.connectTimeoutMs / 1000} seconds`;
  const options = error === undefined ? {} : { cause: error };
  if (answers.size === 0) {
    const why = error === undefined ? `no name server answered ${limit}` : lookUpError(error);
    return new MailteeError("unreachable", `cannot look up ${host}: ${why}`, {
      ...options,
      hint: "Check the spelling of the host name, and that this machine can look up names.",
    });
  }
  const said = [...answers].map(([address, answer]) =>
    (address === host ? "it " : `${address} `) + (answer === undefined ? `did not answer ${limit}` : answerText(answer))
  );
  return new MailteeError(
    "unreachable",
    `cannot connect to ${formatAddress({ address: host, port })}: ${said.join("; ")}`,
    { ...options, hint: PORTS_HINT },
  );
}

function answerText(error: unknown): string {
  return ANSWERS[errorNumber(error) ?? ""] ?? `failed: ${errorText(error)}`;
}

/** What a look-up came to, by getaddrinfo's or the system error's name. */
const LOOK_UPS: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "no name server answers",
  EMFILE: "no file descriptors are left",
};

function lookUpError(error: unknown): string {
  return LOOK_UPS[errorNumber(error) ?? ""] ?? errorText(error);
}
