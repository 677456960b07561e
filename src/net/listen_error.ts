import { errorText, MailteeError } from "../base/errors.ts";
import { errorNumber } from "../base/files.ts";
import { formatAddress } from "./address.ts";
import type { SocketAddress } from "./types.ts";

/** Ports below this one aren't everybody's on Unix systems. */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** Why listening on an address failed, with what to do. */
export function listenError(error: unknown, where: SocketAddress): MailteeError {
  const at = formatAddress(where);
  const options = (hint: string) => ({ cause: error, hint });
  switch (errorNumber(error)) {
    case "EADDRINUSE":
      return new MailteeError("busy", `cannot listen on ${at}: the port is in use`, options(inUseHint(where)));
    case "EADDRNOTAVAIL":
      return new MailteeError(
        "config",
        `cannot listen on ${at}: no network interface of this machine has that address`,
        options("List this machine's addresses (ip addr, ipconfig), or use 0.0.0.0 or :: for all of them."),
      );
    case "EACCES":
    case "EPERM":
      return new MailteeError("config", `cannot listen on ${at}: permission denied`, options(permissionHint(where)));
    default:
      return new MailteeError("config", `cannot listen on ${at}: ${errorText(error)}`, { cause: error });
  }
}

function inUseHint({ address, port }: SocketAddress): string {
  const hint = `Find the program that has it (ss -ltnp "sport = :${port}", netstat -ano), or choose another port.`;
  if (address !== "::" && address !== "0.0.0.0") return hint;
  return `${hint} On most systems a listener on :: takes IPv4 as well, so 0.0.0.0 isn't needed beside it.`;
}

function permissionHint({ port }: SocketAddress): string {
  if (port >= FIRST_UNPRIVILEGED_PORT) return "Ask the administrator which ports this account may listen on.";
  return `Ports below ${FIRST_UNPRIVILEGED_PORT} need a right of their own: in a systemd unit ` +
    "AmbientCapabilities=CAP_NET_BIND_SERVICE, otherwise setcap or root; or choose a port such as 2525.";
}
