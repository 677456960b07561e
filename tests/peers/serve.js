// Takes mails by npm's smtp-server and keeps each as a file: PORT TLS-PORT CERT-FILE KEY-FILE FOLDER
import { Buffer } from "node:buffer";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";

const [port, tlsPort, certFile, keyFile, folder] = Deno.args;
let count = 0;

function serve(secure) {
  return new SMTPServer({
    secure,
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    authOptional: true,
    allowInsecureAuth: true, // clients that log in under TLS with the proxy also do so at a target in clear text
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) =>
      password === `secret-of-${username}` ? done(null, { user: username }) : done(new Error("no")),
    onData: async (stream, { envelope }, done) => {
      const content = Buffer.concat(await Array.fromAsync(stream));
      for (const { address } of envelope.rcptTo) {
        const mailbox = `${folder}/${address.split("@")[0].toLowerCase()}`;
        mkdirSync(mailbox, { recursive: true });
        writeFileSync(`${mailbox}/${++count}`, content);
      }
      done();
    },
  });
}

serve(false).listen(Number(port), "127.0.0.1");
serve(true).listen(Number(tlsPort), "127.0.0.1");
