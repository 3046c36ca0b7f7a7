"""A mail server as small as a test needs it: real sockets, real TLS, and answers that a test may choose."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass
class MailServer:
    """`answers`: by command, in place of the usual one. `taken`: (from, to, content, encrypted, who was logged in)."""

    certificate: Path
    tls: bool = False  # from the first byte
    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN")
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, str, bytes, bool, str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context


class Session(socketserver.StreamRequestHandler):
    at: MailServer

    def handle(self) -> None:
        with suppress(ssl.SSLError, ConnectionError):  # a client that does not trust us hangs up
            self.talk()

    def talk(self) -> None:
        self.encrypted, self.login, self.sender, self.recipient = False, "", "", ""
        if self.at.tls:
            self.encrypt()
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split(" ")[0].upper()
            self.at.commands.append(command)
            if self.at.answers.get(command) == "":  # hang up
                return None
            if command in self.at.answers:
                self.say(self.at.answers[command])
            elif command == "QUIT":
                return self.say("221 bye")
            else:
                getattr(self, command.lower(), self.unknown)(line)

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def encrypt(self) -> None:
        self.connection = self.at.context().wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True

    def unknown(self, line: str) -> None:
        self.say("502 what?")

    def ehlo(self, line: str) -> None:
        offers = ["here", *(o for o in self.at.offers if not (o == "STARTTLS" and self.encrypted))]
        for number, offer in enumerate(offers, 1):
            self.say(f"250{' ' if number == len(offers) else '-'}{offer}")

    def starttls(self, line: str) -> None:
        self.say("220 go on")
        self.encrypt()

    def auth(self, line: str) -> None:
        self.login = base64.b64decode(line.split(" ")[2]).decode().replace("\x00", ":").strip(":")
        self.say("235 welcome")

    def mail(self, line: str) -> None:
        self.sender = line
        self.say("250 ok")

    def rcpt(self, line: str) -> None:
        self.recipient = line
        self.say("250 ok")

    def data(self, line: str) -> None:
        self.say("354 go on")
        lines: list[bytes] = []
        while (part := self.rfile.readline()) != b".\r\n":
            lines.append(part.removeprefix(b".") if part.startswith(b"..") else part)
        self.at.taken.append((self.sender, self.recipient, b"".join(lines), self.encrypted, self.login))
        self.say(self.at.answers.get("END", "250 taken"))


@contextmanager
def listening(server: MailServer) -> Iterator[MailServer]:
    handler = type("Bound", (Session,), {"at": server})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as tcp:
        tcp.daemon_threads = True
        server.port = tcp.server_address[1]
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            tcp.shutdown()
            thread.join()


def certificate(folder: Path) -> Path:
    """A key and a certificate for `localhost` that signs itself, good for an hour."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "localhost.pem"
    file.write_bytes(encoded + made.public_bytes(serialization.Encoding.PEM))
    return file
