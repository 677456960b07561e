"""Takes mails by aiosmtpd and keeps each as a file: PORT TLS-PORT CERT-FILE KEY-FILE FOLDER"""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP

port, tls_port, cert_file, key_file, folder = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert_file, key_file)


class Keeper:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            mailbox = pathlib.Path(folder, recipient.split("@")[0].lower())
            mailbox.mkdir(exist_ok=True)
            Keeper.count += 1
            mailbox.joinpath(str(Keeper.count)).write_bytes(envelope.content)
        return "250 2.0.0 Kept"


async def serve():
    loop = asyncio.get_running_loop()
    keeper = Keeper()
    await loop.create_server(lambda: SMTP(keeper, tls_context=context, enable_SMTPUTF8=True), "127.0.0.1", int(port))
    await loop.create_server(lambda: SMTP(keeper, enable_SMTPUTF8=True), "127.0.0.1", int(tls_port), ssl=context)
    await asyncio.Event().wait()


asyncio.run(serve())
