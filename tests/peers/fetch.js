// Fetches all mails by node-pop3 into files: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import Pop3Command from "node-pop3";

const [port, tls, caFile, user, password, folder] = Deno.args;
const client = new Pop3Command({
  host: "localhost",
  port: Number(port),
  user,
  password,
  tls: tls === "implicit",
  servername: "localhost",
  tlsOptions: { ca: readFileSync(caFile) },
});
for (const [number] of await client.UIDL()) writeFileSync(`${folder}/${number}`, await client.RETR(number), "binary");
await client.QUIT();
