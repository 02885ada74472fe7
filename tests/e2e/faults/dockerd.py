"""A Docker daemon of our own, beside the machine's: it can be restarted, and takes nobody's containers along.

The base image comes from the machine's daemon.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.helpers import wait_for

BASE = "gristmill/base:bookworm"


class Dockerd:
    """`folder`: a short path, for sockets; removed by `remove`."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0 or shutil.which("dockerd") is None:
            pytest.skip("a Docker daemon of our own needs root and dockerd")
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        self.start()
        self._take_base()

    def start(self) -> None:
        # in a network of its own: without a bridge, dockerd takes docker0 away, and it may be another daemon's
        command = [
            "unshare",
            "--net",
            "dockerd",
            "-H",
            self.host,
            "--bridge=none",
            "--iptables=false",
            "--ip-forward=false",
        ]
        command += [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec"]
        command += [f"--pidfile={self.folder}/pid", "--shutdown-timeout=3"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for("Docker daemon", lambda: self.docker("version", check=False) == 0, 60)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM: as an administrator restarts it, containers are ended; SIGKILL: as in a crash."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=60)
        self._process = None

    def containers(self) -> list[str]:
        command = ["docker", "-H", self.host, "ps", "-aq"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def docker(self, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            ["docker", "-H", self.host, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=check
        )
        return done.returncode

    def remove(self) -> None:
        if self._process is None:
            self.start()  # it ends what a killed one has left
        for container in self.containers():
            self.docker("rm", "-f", container, check=False)
        self.stop()
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for target in sorted((each for each in mounted if each.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", target], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_base(self) -> None:
        with subprocess.Popen(["docker", "save", BASE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saving:
            loading = ["docker", "-H", self.host, "load"]
            done = subprocess.run(loading, stdin=saving.stdout, stdout=subprocess.DEVNULL, check=False)
        if done.returncode or saving.returncode:
            self.remove()
            pytest.skip(f"the machine's Docker daemon has no {BASE}: gristmill doctor")
