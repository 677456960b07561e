import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { MailteeError } from "../../../src/base/errors.ts";
import { setUpLog, tearDownLog } from "../../../src/base/log.ts";
import { describeCertificate, renewalProblem, validityProblem } from "../../../src/net/certificate_description.ts";
import { ensureSelfSigned, loadCertificate } from "../../../src/net/certificates.ts";
import { issueCertificate } from "./issue_certificate.ts";

const DAY = 86_400_000;
const authority = await issueCertificate({ names: ["test authority"], ca: true });
const issued = await issueCertificate({ names: ["mail.example.org", "192.0.2.1"], issuer: authority });

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mailtee-net-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes both files and loads them. */
async function load(folder: string, cert: string, key: string) {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await Deno.writeTextFile(certFile, cert);
  await Deno.writeTextFile(keyFile, key);
  return await loadCertificate(certFile, keyFile);
}

Deno.test("loadCertificate() gives certificate, chain and key", async () => {
  await inFolder(async (folder) => {
    const chain = issued.cert + authority.cert;
    assertEquals(await load(folder, chain, issued.key), { cert: chain, key: issued.key });
  });
});

Deno.test("loadCertificate() says what is wrong with the files", async () => {
  const damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  const cases: [cert: string, key: string, message: string, hint: string][] = [
    ["", issued.key, "cert.pem is not a certificate in PEM form", "openssl"],
    [issued.key, issued.cert, "cert.pem is not a certificate in PEM form", "swapped"],
    [damaged, issued.key, "cert.pem is damaged", "again"],
    [issued.cert, "", "key.pem is not a private key in PEM form", "BEGIN PRIVATE KEY"],
    [issued.cert, issued.cert, "key.pem is not a private key in PEM form", "swapped"],
    [issued.cert, issued.key.replace(/\n\w{20}/, "\nAAAA"), "key.pem is damaged", "RSA or ECDSA"],
    [issued.cert, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "key.pem is protected by a passphrase", "openssl pkey"],
    [issued.cert, authority.key, "doesn't belong to the certificate", "comes first"],
    [authority.cert + issued.cert, issued.key, "doesn't belong to the certificate", "comes first"],
  ];
  await inFolder(async (folder) => {
    for (const [cert, key, message, hint] of cases) {
      const error = await assertRejects(() => load(folder, cert, key), MailteeError);
      assertEquals(error.code, "config");
      assertStringIncludes(error.message, message);
      assertStringIncludes(error.hint ?? "", hint);
    }
  });
});

Deno.test("loadCertificate() names a file that it can't read", async () => {
  await inFolder(async (folder) => {
    const missing = join(folder, "missing.pem");
    const error = await assertRejects(() => loadCertificate(missing, missing), MailteeError);
    assertEquals(error.code, "io");
    assertStringIncludes(error.message, missing);
  });
});

Deno.test("loadCertificate() loads an expired certificate and warns", async () => {
  const lines: string[] = [];
  await setUpLog({ level: "warning", format: "text", write: (line) => lines.push(line) });
  try {
    const expired = await issueCertificate({
      names: ["old.example.org"],
      validFrom: new Date("2020-01-01"),
      validTo: new Date("2021-01-01"),
    });
    await inFolder(async (folder) => {
      assertEquals((await load(folder, expired.cert, expired.key)).cert, expired.cert);
    });
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0] ?? "", "cert.pem has expired on 2021-01-01");
  } finally {
    await tearDownLog();
  }
});

Deno.test("validityProblem() and renewalProblem() compare with the clock", () => {
  const validity = { validFrom: new Date("2026-01-01"), validTo: new Date("2026-12-31") };
  const at = (text: string) => new Date(text).getTime();
  assertEquals(validityProblem(validity, at("2025-12-31")), "is not valid before 2026-01-01");
  assertEquals(validityProblem(validity, at("2026-12-30")), null);
  assertEquals(validityProblem(validity, at("2027-01-01")), "has expired on 2026-12-31");
  assertEquals(renewalProblem(validity, at("2026-12-01")), null);
  assertEquals(renewalProblem(validity, at("2026-12-20")), "expires on 2026-12-31");
  assertEquals(renewalProblem(validity, at("2027-01-01")), "has expired on 2026-12-31");
});

Deno.test("ensureSelfSigned() makes a certificate once and loads it afterwards", async () => {
  await inFolder(async (folder) => {
    const files = { certFile: join(folder, "tls", "cert.pem"), keyFile: join(folder, "tls", "key.pem") };
    const made = await ensureSelfSigned(files, { names: ["mail.example.org", "192.0.2.9", "mail.example.org"] });
    assertEquals(await ensureSelfSigned(files), made);
    const description = describeCertificate(made.cert);
    assertEquals(description.selfSigned, true);
    for (const name of ["localhost", "127.0.0.1", "::1", Deno.hostname(), "mail.example.org", "192.0.2.9"]) {
      assert(description.names.includes(name), `${name} in ${description.names}`);
    }
    assertEquals(new Set(description.names).size, description.names.length);
    const years = (description.validTo.getTime() - Date.now()) / (365 * DAY);
    assert(years > 9.9 && description.validFrom.getTime() < Date.now());
    if (Deno.build.os !== "windows") {
      assertEquals((Deno.statSync(files.keyFile).mode ?? 0) & 0o777, 0o600);
    }
    assertEquals([...Deno.readDirSync(join(folder, "tls"))].map(({ name }) => name).sort(), ["cert.pem", "key.pem"]);
  });
});

Deno.test("ensureSelfSigned() makes both anew where one is missing", async () => {
  await inFolder(async (folder) => {
    const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
    let last = await ensureSelfSigned(files);
    for (const missing of [files.certFile, files.keyFile]) {
      await Deno.remove(missing);
      const next = await ensureSelfSigned(files);
      assertNotEquals(next, last);
      last = next;
    }
  });
});

Deno.test("ensureSelfSigned() says which folder it can't write to", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const files = { certFile: join(file, "cert.pem"), keyFile: join(file, "key.pem") };
    const error = await assertRejects(() => ensureSelfSigned(files), MailteeError);
    assertEquals(error.code, "io");
    assertStringIncludes(error.message, file);
  });
});

Deno.test("describeCertificate() tells of PEM and of DER the same", () => {
  const der = Uint8Array.fromBase64(issued.cert.replaceAll(/-----.*?-----|\s/g, ""));
  const description = describeCertificate(issued.cert);
  assertEquals(describeCertificate(der), description);
  assertEquals(description.subject, "CN=mail.example.org");
  assertEquals([description.issuer, description.selfSigned], ["CN=test authority", false]);
  assertEquals(description.names, ["mail.example.org", "192.0.2.1"]);
  assertEquals(description.sha256.length, 64);
});

Deno.test("describeCertificate() refuses what is no certificate", () => {
  for (const text of ["", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", new Uint8Array(3)]) {
    assertEquals(assertThrows(() => describeCertificate(text), MailteeError).code, "malformed");
  }
});
