"""The launcher of `_holder.py` as the first process of a container: its sandboxes are of the container's own files.

Run by the host's Python (`_host_programs.py`), with nothing but the standard library. All it is told comes by a socket
in a folder that is mounted here; with that socket, or with its owner, it ends, and the container with it.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments import _holder
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import _holder

_MOST_TOLD = 1 << 16
_ALL_IDS = "0 0 4294967295"


def main(path: str) -> None:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect(path)
    # The container's own root, for whoever wants to know what a sandbox's first contents are.
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    socket.send_fds(control, [b"root"], [root])
    os.close(root)
    data, (owner,) = _holder.receive(control, _MOST_TOLD)
    told = json.loads(data)

    def first() -> _holder.User:
        Path(told["sys"]).mkdir()  # the stage will lie over /sys
        _holder.bind_one("/sys", told["sys"])
        uid, gid, *groups = told["user"]
        if uid != 0:  # for folders of the machine's root that are to be this user's
            owners = _user_namespace(0, 0, f"0 {uid} 1", f"0 {gid} 1")
            socket.send_fds(control, [b"owners"], [owners])
            os.close(owners)
        return _holder.User(uid, gid, tuple(groups), _user_namespace(uid, gid))

    _holder.launch(control, owner, told["bwrap"], [], told["own"], first)


def _user_namespace(uid: int, gid: int, uids: str = _ALL_IDS, gids: str = _ALL_IDS) -> int:
    """A descriptor of one in which every user is who he is here, and that this user may enter; none can be made in it.

    Our own rights end at its border, so its root has none over what is not its own.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            _holder.new_users()
            socket.send_fds(theirs, [b"made"], [os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)])
            theirs.recv(16)
            Path("/proc/sys/user/max_user_namespaces").write_text("0")
            os._exit(0)
        finally:
            os._exit(1)
    theirs.close()
    with ours:
        _, fds = _holder.receive(ours)
        if not fds:
            raise OSError(0, "a user namespace can not be made")
        Path(f"/proc/{pid}/uid_map").write_text(uids)
        Path(f"/proc/{pid}/gid_map").write_text(gids)
        ours.send(b"mapped")
        if os.waitpid(pid, 0)[1]:
            raise OSError(0, "user namespaces can not be forbidden in a user namespace")
    return fds[0]


if __name__ == "__main__":
    main(sys.argv[1])
