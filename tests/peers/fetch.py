"""Fetches all mails by poplib into files: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FOLDER"""
import pathlib
import poplib
import ssl
import sys

port, tls, ca_file, username, password, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
if tls == "implicit":
    client = poplib.POP3_SSL("localhost", int(port), context=context, timeout=30)
else:
    client = poplib.POP3("localhost", int(port), timeout=30)
if tls == "starttls":
    client.stls(context)
client.user(username)
client.pass_(password)
for entry in client.list()[1]:
    number = int(entry.split()[0])
    lines = client.retr(number)[1]
    pathlib.Path(folder, str(number)).write_bytes(b"".join(line + b"\r\n" for line in lines))
client.quit()
