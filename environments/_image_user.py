"""Who an image's commands run as, and what of its files that user owns here.

A sandbox has one user, who is us on this machine (user_namespaces(7) lets an ordinary process map no more). So each
file belongs to that user or to somebody else, which decides the same as in a container: what the image's user owns is
ours, and where that is root, who may write everywhere, all is.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from environments._paths import open_in_root
from environments.errors import UnsupportedSpec

OTHERS = 65534  # whoever the image's user is not; shown as `nobody`
_MOST_BYTES = 10 << 20


@dataclass(frozen=True)
class ImageUser:
    uid: int = 0
    gid: int = 0
    home: str = "/root"

    @property
    def is_root(self) -> bool:
        return self.uid == 0


def user_of(root: Path, told: str) -> ImageUser:
    """`told`: USER of a Dockerfile: a name or a number, with a group behind a colon or without.

    As Docker has it: a number that /etc/passwd has not is in group 0, at home in `/`. Raises UnsupportedSpec for a name
    that it has not.
    """
    name, _, group = told.partition(":")
    users = _entries(root, "etc/passwd", 7)
    number = int(name) if name.isdigit() else 0 if name in ("", "root") else None
    entry = next((each for each in users if name == each[0] or (number is not None and each[2] == str(number))), None)
    if entry is None and number is None:
        raise UnsupportedSpec(f"the image runs as the user {name!r}, and its /etc/passwd has none of that name")
    uid = number if entry is None else int(entry[2])
    assert uid is not None
    gid = 0 if entry is None else int(entry[3])
    if group:
        groups = {each[0]: int(each[2]) for each in _entries(root, "etc/group", 4)}
        if not group.isdigit() and group not in groups:
            raise UnsupportedSpec(f"the image runs in the group {group!r}, and its /etc/group has none of that name")
        gid = int(group) if group.isdigit() else groups[group]
    home = "/root" if entry is None and uid == 0 else "/" if entry is None else entry[5] or "/"
    return ImageUser(uid, gid, home)


def groups_of(root: Path, told: str) -> list[int]:
    """The other groups of that user; none where a group is told with it, as Docker has it."""
    name, _, group = told.partition(":")
    users = _entries(root, "etc/passwd", 7)
    names = {each[0] for each in users if name in (each[0], each[2])}
    return [] if group else [int(each[2]) for each in _entries(root, "etc/group", 4) if names & set(each[3].split(","))]


def give_to(root: Path, user: ImageUser) -> None:
    """The files that `user` owns in the image to us, all others to nobody; as an ordinary user all are ours anyway."""
    if os.geteuid() != 0:
        return
    seen: set[int] = set()  # a file with several names is met by each
    for folder, folders, files in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):  # noqa: PTH118
            status = os.lstat(path)
            if status.st_ino in seen:
                continue
            seen.add(status.st_ino)
            uid = 0 if user.is_root or status.st_uid == user.uid else OTHERS
            gid = 0 if user.is_root or status.st_gid == user.gid else OTHERS
            if (uid, gid) != (status.st_uid, status.st_gid):
                os.lchown(path, uid, gid)


def _entries(root: Path, file: str, fields: int) -> list[list[str]]:
    """Lines of a file of /etc in the image; none where it has no such file."""
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        opened = open_in_root(fd, file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return []
    finally:
        os.close(fd)
    with open(opened, "rb") as lines:
        split = [line.split(":") for line in lines.read(_MOST_BYTES).decode(errors="replace").splitlines()]
    return [each for each in split if len(each) == fields and each[2].isdigit() and (fields == 4 or each[3].isdigit())]
