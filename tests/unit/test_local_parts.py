"""Processes, ports, traces and state: what the local stack starts is known exactly, and ended exactly."""

import json
import os
import socket
import stat
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from local_stack import emulator, ports, postgres, state, traces
from local_stack.emulator import Emulator
from local_stack.process import LocalStackError, Process, spawn

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def test_a_started_process_is_alive_until_it_is_stopped(tmp_path: Path) -> None:
    process = spawn("sleeper", SLEEP, tmp_path / "log", {})
    assert process.alive
    process.stop()
    assert not process.alive


def test_a_recycled_pid_is_neither_alive_nor_stopped(tmp_path: Path) -> None:
    process = spawn("sleeper", SLEEP, tmp_path / "log", {})
    namesake = replace(process, started_at=process.started_at - 100)
    assert not namesake.alive
    namesake.stop()
    assert process.alive
    process.stop()


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    process = spawn("deaf", [sys.executable, "-c", STUBBORN], tmp_path / "log", {})
    while "deaf" not in (tmp_path / "log").read_text():
        assert process.alive
    process.stop(grace_seconds=0.1)
    assert not process.alive


def test_the_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    family = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"
    process = spawn("parent", [sys.executable, "-c", family, *SLEEP], tmp_path / "log", {})
    while not (tmp_path / "log").read_text().endswith("\n"):
        assert process.alive
    child = int((tmp_path / "log").read_text())
    process.stop(grace_seconds=0.1)
    assert not Path(f"/proc/{child}").exists() or Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        assert not ports.is_free(server.getsockname()[1])
    assert ports.is_free(ports.any_free())


def test_the_emulator_never_sees_the_users_aws_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    said: list[str] = []
    running: Emulator = emulator.start(tmp_path, 2000, 1.0, said.append)
    try:
        emulator.wait_until_ready(running, tmp_path / "emulator.log")
        environment = Path(f"/proc/{running.process.pid}/environ").read_text().split("\0")
    finally:
        running.process.stop()
    assert "AWS_ACCESS_KEY_ID=test" in environment
    assert not {"AWS_PROFILE=production", "AWS_SESSION_TOKEN=real", "AWS_ACCESS_KEY_ID=AKIAREAL"} & set(environment)


def test_an_emulator_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no such option")
    gone = Emulator(Process("MiniStack", os.getpid(), 0.0), f"http://{ports.LOOPBACK}:1")
    with pytest.raises(LocalStackError, match="no such option"):
        emulator.wait_until_ready(gone, tmp_path / "log")


def send(sink: socket.socket, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, sink.getsockname())


def test_segments_become_json_lines(tmp_path: Path) -> None:
    with traces.open_socket() as sink:
        kept = traces.Traces(sink, tmp_path / "traces")
        send(sink, b'{"format":"json","version":1}\n{"name": "candidate"}')
        assert kept.receive()
        send(sink, b"noise")
        assert not kept.receive()
    assert json.loads((tmp_path / "traces").read_text()) == {"name": "candidate"}


def test_old_segments_make_room_for_new_ones(tmp_path: Path) -> None:
    with traces.open_socket() as sink:
        kept = traces.Traces(sink, tmp_path / "traces", kept=3)
        for number in range(20):
            send(sink, b'{"format":"json","version":1}\n%d' % number)
            kept.receive()
    lines = (tmp_path / "traces").read_text().split()
    assert len(lines) <= 6
    assert lines[-3:] == ["17", "18", "19"]


def test_the_state_survives_its_file_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    process = Process("p", 1, 2.5)
    whole = state.State("http://x", process, postgres.Server("url", process, Path("/d")), process, "digest")
    for kept in (whole, state.State("http://x", process), replace(whole, database=postgres.Server("url", None, None))):
        state.save(tmp_path, kept)
        assert state.load(tmp_path) == kept
    assert stat.S_IMODE((tmp_path / state.FILE_NAME).stat().st_mode) == 0o600


def test_a_throw_away_postgresql_asks_for_its_password_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "database"
    with postgres.running(folder) as url:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("huntaze",)
        user, _, host = url.partition("@")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"{user}wrong@{host}", connect_timeout=2)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    assert not list(folder.glob("*"))


def test_a_database_of_our_own_is_made_in_the_server_of_database_url_and_dropped(
    postgres_url: str, tmp_path: Path
) -> None:
    server = postgres.start(tmp_path / "unused", {"DATABASE_URL": postgres_url})
    with psycopg.connect(server.url) as inside:
        found = inside.execute("SELECT current_database()").fetchone()
    assert found is not None
    assert found[0].startswith("huntaze_local_")
    postgres.stop(server)
    with psycopg.connect(postgres_url) as outside:
        left = outside.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'huntaze_local_%'").fetchone()
    assert left == (0,)
