"""Files by commands inside the sandbox: for paths that lead over links, or outside the folders we hold."""

from collections.abc import Mapping

READ = '[ -d "$1" ] && exit 21; [ -f "$1" ] || exit 22; exec head -c "$2" -- "$1"'
WRITE = (
    'mkdir -p -- "$(dirname -- "$1")" || exit 20; [ -d "$1" ] && exit 21; rm -f -- "$1"; cat > "$1" && chmod "$2" "$1"'
)

# Several small ones, their contents among the arguments: mode, then path and contents of each.
WRITE_TEXTS = (
    'umask 022; mode=$1; shift; while [ $# -gt 0 ]; do folder=${1%/*}/; [ -d "$folder" ] || mkdir -p -- "$folder" '
    '|| exit 20; [ -d "$1" ] && exit 21; { [ -e "$1" ] || [ -L "$1" ]; } && rm -f -- "$1"; '
    'printf %s "$2" > "$1" || exit; [ "$mode" = 644 ] || chmod "$mode" "$1" || exit; shift 2; done'
)
MOST_TEXT = 30_000  # bytes in all; more is for standard input


def read_command(path: str, max_bytes: int) -> list[str]:
    return ["/bin/sh", "-c", READ, "sh", path, str(max_bytes)]


def write_command(path: str, mode: int) -> list[str]:
    return ["/bin/sh", "-c", WRITE, "sh", path, f"{mode:o}"]


def write_texts_command(files: Mapping[str, bytes], mode: int) -> list[str] | None:
    """None where the contents are too many, or no text."""
    if sum(map(len, files.values())) > MOST_TEXT or any(b"\0" in data for data in files.values()):
        return None
    try:
        pairs = [part for path, data in files.items() for part in (path, data.decode())]
    except UnicodeDecodeError:
        return None
    return ["/bin/sh", "-c", WRITE_TEXTS, "sh", f"{mode:o}", *pairs]


def unpack_command() -> list[str]:
    """Several files at a time, as a tar on standard input; links in their way are followed as for one file."""
    return ["/bin/sh", "-c", "umask 022; exec tar -x -o -p -f - -C /"]


def check_done(exit_code: int | None, path: str, stderr: str) -> None:
    """Raises what the commands above say by their exit codes."""
    if exit_code == 21:
        raise IsADirectoryError(path)
    if exit_code == 22:
        raise FileNotFoundError(path)
    if exit_code != 0:
        raise PermissionError(f"{path}: {stderr.strip() or 'not possible in the sandbox'}")
