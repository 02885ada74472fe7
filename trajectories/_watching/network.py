"""Which commands reach for another machine."""

import re
from collections.abc import Mapping, Sequence

from trajectories._watching.acts import Act

_LOCAL = re.compile(
    r"(?:\w+://)?(?:[\w.-]+@)?(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[?::1\]?)(?::|/|$)", re.IGNORECASE
)
_REMOTE = re.compile(r"\w+://|(?:[\w.-]+@)?[A-Za-z][\w.-]+::?(?!\\)")
_ADDRESS = re.compile(r"(?:https?|ftps?|sftp|rsync|ssh|git|svn(?:\+ssh)?)://[\w.@-]+")
_HELP = frozenset({"--help", "-h", "--version", "-V", "help", "version"})
_FETCHERS = frozenset(
    {"curl", "wget", "aria2c", "http", "https", "ssh", "scp", "sftp", "telnet", "ftp", "nc", "ncat", "netcat", "ping"}
    | {"lftp", "axel", "xh", "whois", "drill", "ping6", "tracepath", "mtr", "curlie", "nmap"}
    | {"dig", "nslookup", "host", "traceroute", "gh", "lynx", "w3m", "links", "socat", "gsutil", "rclone"}
)
_SUBCOMMANDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("apt", "apt-get", "aptitude"), frozenset({"install", "update", "upgrade", "download", "source", "build-dep"})
    ),
    **dict.fromkeys(
        ("apk", "yum", "dnf", "pacman", "zypper", "brew"),
        frozenset({"add", "install", "update", "-S", "-Sy", "download"}),
    ),
    **dict.fromkeys(("npm", "yarn", "pnpm", "npx"), frozenset({"install", "i", "add", "ci", "update", "pack", "view"})),
    **dict.fromkeys(("conda", "mamba", "micromamba"), frozenset({"install", "create", "update", "search"})),
    **dict.fromkeys(("gem", "cargo", "go"), frozenset({"install", "fetch", "get", "download"})),
    **dict.fromkeys(("docker", "podman"), frozenset({"pull", "run", "push", "login"})),
    **dict.fromkeys(
        ("poetry", "pdm", "pipenv", "hatch", "rye"), frozenset({"install", "add", "update", "lock", "sync", "search"})
    ),
    "pipx": frozenset({"install", "run", "upgrade"}),
    "aws": frozenset({"s3", "s3api"}),
}
_PIP_VALUES = frozenset(
    {"-c", "--constraint", "-t", "--target", "--prefix", "--root", "-i", "--index-url", "--extra-index-url", "-d"}
    | {"--dest", "--python", "--python-version", "--platform", "--upgrade-strategy", "--timeout", "--retries"}
    | {"--cache-dir", "--no-binary", "--only-binary", "--log"}
)


def is_local(address: str) -> bool:
    """localhost, by name or number."""
    return _LOCAL.match(address) is not None


def is_far(word: str) -> bool:
    """An address of another machine."""
    return _ADDRESS.match(word) is not None and not is_local(word)


def network_act(name: str, rest: tuple[str, ...], line: str) -> Act | None:
    """The act of a program that reaches for another machine with these arguments; None if it does not."""
    if any(word in _HELP for word in rest[:2]) or (name in ("curl", "wget") and not rest):
        return None
    plain = [word for word in rest if not word.startswith("-")]
    first = plain[0] if plain else ""
    if re.fullmatch(r"pip[\d.]*", name) and first:
        return _pip(first, rest, line)
    if name == "uv":
        if first == "pip" and len(plain) > 1:
            return _pip(plain[1], rest[rest.index("pip") + 1 :], line)
        return Act("network", first, line) if first in ("add", "sync", "lock", "tool", "python") else None
    if name == "easy_install":
        return Act("network", first, line)
    if name in _FETCHERS:
        addresses = [word for word in plain if "." in word or ":" in word or "localhost" in word or "/" in word]
        if any(is_local(word) for word in plain) or "-l" in rest or "-lk" in rest:
            return None
        return Act("network", (addresses or plain or [name])[0], line) if plain else None
    if name in ("npx", "uvx", "bunx"):
        return Act("network", first, line) if first else None
    if name == "getent":
        is_asked = first in ("hosts", "ahosts", "ahostsv4") and len(plain) > 1 and not is_local(plain[1])
        return Act("network", plain[1], line) if is_asked else None
    if name == "rsync":
        far = [word for word in plain if _REMOTE.match(word) and not is_local(word)]
        return Act("network", far[0], line) if far else None
    if name == "openssl":
        return Act("network", name, line) if first == "s_client" else None
    wanted = _SUBCOMMANDS.get(name, frozenset())
    return Act("network", first, line) if wanted.intersection(rest[:4]) else None


def git_network_act(words: Sequence[str], line: str) -> Act | None:
    """The act of `git` with these words, if it talks to another machine: not where the other side is a folder."""
    verb = words[0] if words else ""
    plain = [word for word in words[1:] if not word.startswith("-")]
    if verb in ("fetch", "pull", "push", "ls-remote") or (verb == "remote" and plain[:1] == ["update"]):
        target = plain[0] if plain else verb
    elif verb == "clone" and plain:
        target = plain[0]
    elif verb == "submodule" and "update" in plain:
        target = verb
    else:
        return None
    return None if re.match(r"[./~]|file:", target) or is_local(target) else Act("network", target, line)


def _pip(verb: str, rest: tuple[str, ...], line: str) -> Act | None:
    """pip install of what lies here, or with --no-index, needs no network; pip show and list neither."""
    if verb in ("download", "index", "search", "wheel"):
        return None if "--no-index" in rest else Act("network", verb, line)
    if verb != "install" or "--no-index" in rest:
        return None
    words, index = list(rest[rest.index("install") + 1 :]), 0
    wanted: list[str] = []
    while index < len(words):
        word = words[index]
        if word in ("-e", "--editable") and index + 1 < len(words):
            wanted.append(words[index + 1])
            index += 1
        elif word in ("-r", "--requirement"):
            return Act("network", " ".join(words[index : index + 2]), line)
        elif word in _PIP_VALUES:
            index += 1
        elif not word.startswith("-"):
            wanted.append(word)
        index += 1
    far = [word for word in wanted if not re.match(r"[./~]|file:|\w[\w./-]*\.(whl|tar\.gz|zip)$", word)]
    return Act("network", far[0], line) if far else None
