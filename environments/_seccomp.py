"""The filter of system calls for commands in bubblewrap, as a classic BPF program that the kernel runs.

Refused are calls that only whoever administers a machine needs, and those through which kernels were taken over: the
keyring, BPF, performance events, userfaultfd, io_uring, modules, kexec, mounts, namespaces, file handles, clocks. The
choice is that of Docker's default profile, turned round: a list of what is refused, so that no program is surprised
where the kernel gets a new call. `ptrace` stays, for debuggers: a command sees no process but its own.
Source: Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from its syscall tables.
"""

import errno
import platform
import struct
from functools import cache

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # a second set of numbers of the same calls on x86_64

# name -> numbers on x86_64 and aarch64; None where it has no such call
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "clock_settime": (227, 112),
    "delete_module": (176, 106), "fanotify_init": (300, 262), "finit_module": (313, 273), "init_module": (175, 105),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "ioperm": (173, None),
    "iopl": (172, None), "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219),
    "lookup_dcookie": (212, 18), "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "nfsservctl": (180, 42), "open_by_handle_at": (304, 265), "open_tree": (428, 428), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "perf_event_open": (298, 241),
    "pivot_root": (155, 41), "quotactl": (179, 60), "quotactl_fd": (443, 443), "reboot": (169, 142),
    "request_key": (249, 218), "setns": (308, 268), "settimeofday": (164, 170), "swapoff": (168, 225),
    "swapon": (167, 224), "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97),
    "userfaultfd": (323, 282), "_sysctl": (156, None),
}  # fmt: skip

REFUSED = frozenset(_REFUSED)
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # offsets in struct seccomp_data


@cache
def program(machine: str = "") -> bytes:
    """An array of struct sock_filter, as bwrap's `--seccomp` reads it; empty for a machine whose numbers we don't know.

    `machine`: as of `platform.machine()`, by default this one. Calls of another architecture's kind do not exist.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        return b""
    column = list(_ARCHITECTURES).index(machine)
    numbers = sorted(number for each in _REFUSED.values() if (number := each[column]) is not None)
    lines = [_line(_LOAD, _ARCHITECTURE_AT), _line(_EQUAL, _ARCHITECTURES[machine], yes=1)]
    lines += [_line(_RETURN, _ERRNO | errno.ENOSYS), _line(_LOAD, _NUMBER_AT)]
    if machine == "x86_64":
        lines += [_line(_AT_LEAST, _X32, no=1), _line(_RETURN, _ERRNO | errno.ENOSYS)]
    for at, number in enumerate(numbers):
        lines.append(_line(_EQUAL, number, yes=len(numbers) - at))  # over the rest and the next line
    return b"".join([*lines, _line(_RETURN, _ALLOW), _line(_RETURN, _ERRNO | errno.EPERM)])


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
