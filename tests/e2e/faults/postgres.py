"""A PostgreSQL server of our own that can be stopped and started again at the same address."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


class Postgres:
    """On a socket in its own folder, with the database `faults`."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            pytest.skip("PostgreSQL is not installed: apt-get install -y postgresql")
        pytest.importorskip("psycopg", reason="pip install 'gristmill[postgresql]'")
        # Not below pytest's folder: each pytest that starts closes that one to other users.
        self._binaries, self.folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="gristmill-pg-"))
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("nobody")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "gristmill", "-A", "trust")
        self.start()
        self._run("createdb", "-h", str(self.folder), "-U", "gristmill", "faults")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://gristmill@/faults?host={self.folder}"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._ctl("-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self, how: str = "fast") -> None:
        """`fast`: as an administrator restarts it, open connections are told; `immediate`: as in a crash."""
        self._ctl("-m", how, "-w", "stop")

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def rows(self) -> list[tuple[object, ...]]:
        """Task, agent, attempt, reward, whether unknown, and when it was started, of each rollout."""
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            if connection.execute("select to_regclass('rollouts')").fetchone() == (None,):
                return []
            query = "select task_id, agent, attempt, reward, is_unknown, started_at from rollouts"
            return connection.execute(query).fetchall()

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *arguments)

    def _run(self, command: str, *arguments: str) -> None:
        program = [*self._as_user, str(self._binaries / command), *arguments]
        subprocess.run(program, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
