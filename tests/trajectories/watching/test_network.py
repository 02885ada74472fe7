"""Reaching for another machine."""

import pytest

from tests.trajectories.watching.rolled import kinds


@pytest.mark.parametrize(
    "command",
    [
        "curl -sL https://pypi.org/simple/sqlparse/",
        "wget -q http://example.com/x.tar.gz -O- | tar xz",
        "pip install sqlparse==0.6.1 -t /tmp/clean",
        "python -m pip download sqlparse --no-deps",
        "pip3 install -r requirements.txt",
        "uv pip install attrs",
        "git clone https://github.com/andialbrecht/sqlparse",
        "git fetch --all",
        "git pull",
        "apt-get update && apt-get install -y strace",
        "npm install left-pad",
        "ssh me@example.com",
        "timeout 5 curl example.com",
        "python -c \"import urllib.request as u; u.urlopen('https://pypi.org')\"",
        "python -c \"import requests; print(requests.get('https://pypi.org/pypi/sqlparse/json').text)\"",
        "python -c \"import socket; socket.create_connection(('1.1.1.1', 53))\"",
        "python -c \"import socket as s; c = s.socket(); c.connect(('pypi.org', 443))\"",
        "echo hello > /dev/tcp/1.1.1.1/80",
        "cat > /tmp/g.py <<'E'\nimport http.client\nc = http.client.HTTPSConnection('pypi.org')\nE\npython3 /tmp/g.py",
        'bash -c "$(echo curl) https://pypi.org"',
        "nohup curl https://example.com &",
        "rsync -a rsync://example.org/sqlparse /tmp/x",
        "rsync me@example.org:src /tmp/x",
        "hg clone https://example.org/sqlparse",
        "npx prettier .",
        "getent hosts pypi.org",
    ],
)
def test_the_network_is_tried(command: str) -> None:
    assert "network" in kinds(command)


@pytest.mark.parametrize(
    "command",
    [
        "pip install -e .",
        "pip install --no-index --find-links /wheels sqlparse",
        "pip install . --no-deps",
        "pip list; pip show sqlparse; pip --version; pip freeze",
        "curl -s http://localhost:8000/health",
        "curl http://127.0.0.1:5000",
        "python -m http.server 8000 & sleep 1; wget -qO- localhost:8000; kill %1",
        "which curl wget",
        "echo 'curl https://pypi.org'",
        "grep -rn 'requests.get' .",
        "python -c 'import urllib.parse; print(urllib.parse.urlparse(\"https://pypi.org\"))'",
        "python -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(socket.gethostname())'",
        "python -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000')\"",
        "curl --version",
        "git clone /workspace /tmp/copy",
        "rsync -a --exclude .git sqlparse/ /tmp/copy",
        "git commit -m 'see https://example.org'",
        "npm test",
        "apt list --installed",
    ],
)
def test_the_network_is_left_alone(command: str) -> None:
    assert kinds(command) == set()
