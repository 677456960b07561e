// Sends standard input by nodemailer: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FROM TO...
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const [port, tls, caFile, user, pass, from, ...to] = Deno.args;
const transport = nodemailer.createTransport({
  host: "localhost",
  port: Number(port),
  secure: tls === "implicit",
  requireTLS: tls === "starttls",
  ignoreTLS: tls === "none",
  tls: { ca: readFileSync(caFile) },
  ...(user === "" ? {} : { auth: { user, pass } }),
});
const raw = Buffer.concat(await Array.fromAsync(Deno.stdin.readable));
const { rejected } = await transport.sendMail({ envelope: { from, to }, raw });
if (rejected.length > 0) throw new Error(`refused: ${rejected}`);
transport.close();
