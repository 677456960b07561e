"""Sends standard input by smtplib: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FROM TO..."""
import smtplib
import ssl
import sys

port, tls, ca_file, username, password, mail_from, *recipients = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
if tls == "implicit":
    client = smtplib.SMTP_SSL("localhost", int(port), context=context, timeout=30)
else:
    client = smtplib.SMTP("localhost", int(port), timeout=30)
with client:
    if tls == "starttls":
        client.starttls(context=context)
    if username:
        client.login(username, password)
    client.ehlo_or_helo_if_needed()
    options = ["BODY=8BITMIME"] if client.has_extn("8bitmime") else []
    refused = client.sendmail(mail_from, recipients, sys.stdin.buffer.read(), options)
    if refused:
        sys.exit(f"refused: {refused}")
