"""The passwords of a deployment on AWS, and TLS to its database, with a real server and all drivers that are used."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import asyncpg
import hcl2
import psycopg
import psycopg2
import pytest
from airflow.sdk import Connection
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import make_url

from ndvi_airflow.local.services import start_postgres

ROOT = Path(__file__).parents[2]
AWS = ROOT / "terraform/environments/aws"
NAME = "localhost"
"""Of the server, in its certificate."""


def a_certificate(issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    """Return a certificate and its key: of an authority, or of the server that an authority vouches for."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME if issuer else f"authority {now}")])
    by, signer = (issuer[0].subject, issuer[1]) if issuer else (name, key)
    builder = (
        x509.CertificateBuilder(by, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()), key


def pem(certificate: Any) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Database:
    """A running server that talks TLS."""

    port: int
    authority: Path
    other_authority: Path
    secrets: Path
    """Folder with what `make_secrets.py` has written."""


@contextmanager
def talking_tls(socket_file: Path, certificate: Path) -> Iterator[int]:
    """Serve PostgreSQL's socket to TLS clients on a port, as a server that was built with TLS does by itself."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    class Client(StreamRequestHandler):
        def handle(self) -> None:
            assert self.request.recv(8)[4:] == b"\x04\xd2\x16\x2f", "asks for TLS"
            self.request.sendall(b"S")
            try:
                client = tls.wrap_socket(self.request, server_side=True)
            except OSError:
                return  # it does not like the certificate
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(socket_file))
                back = Thread(target=relay, args=(server, client), daemon=True)
                back.start()
                relay(client, server)
                back.join()

    running = ThreadingTCPServer(("127.0.0.1", 0), Client)
    Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_address[1]
    running.shutdown()
    running.server_close()


def relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        server = start_postgres(folder / "data")
        secrets = folder / "secrets"
        secrets.mkdir()
        subprocess.run([sys.executable, AWS / "make_secrets.py", NAME, secrets], check=True)
        with psycopg.connect(host=str(server.sockets), user="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE airflow")  # RDS makes it
            for line in (secrets / "databases.sql").read_text().splitlines():
                connection.execute(line.encode())
            (folder / "data/pg_hba.conf").write_text("local all all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")

        authority = a_certificate()
        certificate, key = a_certificate(authority)
        (folder / "authority.pem").write_bytes(pem(authority[0]))
        (folder / "other.pem").write_bytes(pem(a_certificate()[0]))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "server.pem").write_bytes(pem(certificate) + private)
        with talking_tls(server.sockets / ".s.PGSQL.5432", folder / "server.pem") as port:
            yield Database(port, folder / "authority.pem", folder / "other.pem", secrets)
        server.stop()


@pytest.fixture(scope="module")
def credentials(database: Database) -> dict[str, dict[str, Any]]:
    """User, password and database of Airflow and of the registry, from the files for Secrets Manager."""
    url = make_url(json.loads((database.secrets / "airflow.json").read_text())["connection"])
    secret = json.loads((database.secrets / "ndvi-connections.json").read_text())
    registry = Connection.from_json(secret["AIRFLOW_CONN_NDVI_REGISTRY"], conn_id="ndvi_registry")
    assert (url.drivername, url.host, registry.host) == ("postgresql+psycopg2", NAME, NAME)
    return {
        "airflow": {"user": url.username, "password": url.password, "database": url.database},
        "ndvi": {"user": registry.login, "password": registry.password, "database": registry.schema},
    }


def by_psycopg(host: str, port: int, user: str, password: str, database: str) -> None:
    psycopg.connect(host=host, port=port, user=user, password=password, dbname=database).close()


def by_psycopg2(host: str, port: int, user: str, password: str, database: str) -> None:
    psycopg2.connect(host=host, port=port, user=user, password=password, dbname=database).close()


def by_asyncpg(host: str, port: int, user: str, password: str, database: str) -> None:
    async def connect() -> None:
        connection = await asyncpg.connect(host=host, port=port, user=user, password=password, database=database)
        await connection.close()

    asyncio.run(connect())


DRIVERS = pytest.mark.parametrize(
    ("connect", "who"), [(by_psycopg, "ndvi"), (by_psycopg2, "airflow"), (by_asyncpg, "airflow")]
)
"""Those of the registry, and of Airflow and its asynchronous half."""


@pytest.fixture
def variables(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Set what environments/aws sets in Airflow's pods, with a file of authorities."""
    source = (ROOT / "terraform/modules/ndvi_platform/main.tf").read_text()
    options = hcl2.SerializationOptions(strip_string_quotes=True)
    (found,) = hcl2.loads(source, serialization_options=options)["locals"]
    named = {one["name"]: one["value"] for one in found["database_tls"]}
    assert named.keys() == {"PGSSLMODE", "PGSSLROOTCERT"}

    def set_(authority: Path) -> None:
        monkeypatch.setenv("PGSSLMODE", named["PGSSLMODE"])
        monkeypatch.setenv("PGSSLROOTCERT", str(authority))

    return set_


@DRIVERS
def test_a_server_that_the_authority_vouches_for_is_talked_to(
    connect: Callable[..., None], who: str, database: Database, credentials: Any, variables: Any
) -> None:
    variables(database.authority)
    connect(NAME, database.port, **credentials[who])


@DRIVERS
def test_a_server_with_another_s_certificate_or_name_is_not(
    connect: Callable[..., None], who: str, database: Database, credentials: Any, variables: Any
) -> None:
    variables(database.other_authority)
    with pytest.raises(Exception, match="certificate verify failed"):
        connect(NAME, database.port, **credentials[who])
    variables(database.authority)
    with pytest.raises(Exception, match=r"does not match|mismatch|not valid for"):
        connect("127.0.0.1", database.port, **credentials[who])


def test_the_files_are_what_the_secrets_wait_for_and_nobody_else_s(database: Database) -> None:
    options = hcl2.SerializationOptions(strip_string_quotes=True)
    (waiting,) = hcl2.loads((AWS / "secrets.tf").read_text(), serialization_options=options)["locals"]
    written = {file.stem: json.loads(file.read_text()) for file in database.secrets.glob("*.json")}
    assert {name: ", ".join(keys) for name, keys in written.items()} == waiting["secrets"]
    assert {file.stat().st_mode & 0o777 for file in database.secrets.iterdir()} == {0o600}
    assert written["airflow-broker"]["connection"] == f"redis://:{written['airflow']['password']}@airflow-redis:6379/0"
    Fernet(written["airflow"]["fernet-key"])
