"""Files by commands inside the sandbox: for paths that lead over links, or outside the folders we hold."""

READ = '[ -d "$1" ] && exit 21; [ -f "$1" ] || exit 22; exec head -c "$2" -- "$1"'
WRITE = (
    'mkdir -p -- "$(dirname -- "$1")" || exit 20; [ -d "$1" ] && exit 21; rm -f -- "$1"; cat > "$1" && chmod "$2" "$1"'
)


def read_command(path: str, max_bytes: int) -> list[str]:
    return ["/bin/sh", "-c", READ, "sh", path, str(max_bytes)]


def write_command(path: str, mode: int) -> list[str]:
    return ["/bin/sh", "-c", WRITE, "sh", path, f"{mode:o}"]


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
