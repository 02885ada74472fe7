"""The diff that a sandbox gives, against what really happened in it; the same on every backend."""

import random
from pathlib import Path

import pytest

from environments import Backend, BadDiff, Diff, FileChange, Sandbox, SandboxSpec, running

from .conftest import MakeLayer

E, L = 0o100755, 0o120000


async def shell(box: Sandbox, script: str) -> None:
    result = await box.run(["sh", "-ec", script], timeout_sec=60)
    assert result.exit_code == 0, result.stderr


async def test_every_kind_of_change(backend: Backend, layer: MakeLayer) -> None:
    lower = layer(
        {
            **{
                "same": "same\n",
                "edit": "old\n",
                "gone": "gone\n",
                "d/x": "x\n",
                "d/y": "y\n",
                "tool": "t\n",
                "run.sh": "r\n",
            },
            **{
                "link": "-> edit",
                "file2folder": "f\n",
                "folder2file/a": "a\n",
                "folder2link/a": "a\n",
                "redone/a": "1\n",
            },
            **{
                "redone/b": "2\n",
                "moved/deep/a": "m\n",
                "link2file": "-> edit",
                "file2link": "f\n",
                "file2pipe": "f\n",
            },
            **{
                "empty": "",
                "bin": b"\x00\x01",
                "ünï cödé": "u\n",
                "touched": "t\n",
                "chmod.sh": "c\n",
                "many/1": "1\n",
            },
        }
    )
    upper = layer({"d/y": "y of the upper layer\n", "many/2": "2\n"})
    script = """
        cat same > tmp; rm same; mv tmp same; touch touched; echo new > edit; rm gone; rm -r d; mkdir d; echo z > d/z
        chmod +x tool; chmod -x chmod.sh; ln -sf same link; rm file2folder; mkdir file2folder; echo in > file2folder/in
        rm -r folder2file; echo f > folder2file; rm -r folder2link; ln -s same folder2link
        rm -r redone; mkdir redone; echo 1 > redone/a; mv moved renamed; rm link2file; echo f > link2file
        rm file2link; ln -s nowhere file2link; rm file2pipe; mkfifo file2pipe; echo full > empty; printf '\\000\\002' > bin
        rm "ünï cödé"; echo n > "näw 'q\\"uote"; mkdir -p deep/er; echo d > deep/er/file; mkdir nothing; mkfifo pipe
        mkdir -p .git sub/.git pkg/__pycache__; echo g > .git/x; echo g > sub/.git/y; echo c > pkg/__pycache__/m.pyc; echo c > m.pyc
        echo one > hard1; ln hard1 hard2; rm -r many; ln -s /etc/passwd outside
    """  # noqa: E501
    expected = [
        FileChange(path="bin", before=b"\x00\x01", after=b"\x00\x02"),
        FileChange(path="chmod.sh", before=b"c\n", after=b"c\n", mode=0o100644, before_mode=E),
        FileChange(path="d/x", before=b"x\n", after=None),
        FileChange(path="d/y", before=b"y of the upper layer\n", after=None),
        FileChange(path="d/z", before=None, after=b"z\n"),
        FileChange(path="deep/er/file", before=None, after=b"d\n"),
        FileChange(path="edit", before=b"old\n", after=b"new\n"),
        FileChange(path="empty", before=b"", after=b"full\n"),
        FileChange(path="file2folder", before=b"f\n", after=None),
        FileChange(path="file2folder/in", before=None, after=b"in\n"),
        FileChange(path="file2link", before=b"f\n", after=b"nowhere", mode=L, before_mode=0o100644),
        FileChange(path="file2pipe", before=b"f\n", after=None),
        FileChange(path="folder2file", before=None, after=b"f\n"),
        FileChange(path="folder2file/a", before=b"a\n", after=None),
        FileChange(path="folder2link", before=None, after=b"same", mode=L),
        FileChange(path="folder2link/a", before=b"a\n", after=None),
        FileChange(path="gone", before=b"gone\n", after=None),
        FileChange(path="hard1", before=None, after=b"one\n"),
        FileChange(path="hard2", before=None, after=b"one\n"),
        FileChange(path="link", before=b"edit", after=b"same", mode=L),
        FileChange(path="link2file", before=b"edit", after=b"f\n", before_mode=L),
        FileChange(path="many/1", before=b"1\n", after=None),
        FileChange(path="many/2", before=b"2\n", after=None),
        FileChange(path="moved/deep/a", before=b"m\n", after=None),
        FileChange(path="näw 'q\"uote", before=None, after=b"n\n"),
        FileChange(path="outside", before=None, after=b"/etc/passwd", mode=L),
        FileChange(path="redone/b", before=b"2\n", after=None),
        FileChange(path="renamed/deep/a", before=None, after=b"m\n"),
        FileChange(path="tool", before=b"t\n", after=b"t\n", mode=E, before_mode=0o100644),
        FileChange(path="ünï cödé", before=b"u\n", after=None),
    ]
    async with running(backend, SandboxSpec(layers=(lower, upper))) as box:
        assert await box.diff() == Diff()
        await shell(box, script)
        diff = await box.diff()
    assert [c.path for c in diff.changes] == [c.path for c in expected]
    for found, wanted in zip(diff.changes, expected, strict=True):
        assert found == wanted


async def test_written_files_are_in_it(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        await box.write_files({"pkg/mod.py": b"x = 2\n", "new/a": b"a", "/tmp/other": b""})
        assert (await box.diff()).paths == ("new/a", "pkg/mod.py")
        await box.write_files({"pkg/mod.py": b"x = 1\n"})
        assert (await box.diff()).paths == ("new/a",)


async def test_unreadable_files_are_read(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        await shell(box, "mkdir closed; echo x > closed/f; echo y > shut; chmod 0 shut closed")
        diff = await box.diff()
    assert [(change.path, change.after) for change in diff.changes] == [("closed/f", b"x\n"), ("shut", b"y\n")]


async def test_too_much_is_refused_and_told(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as box:
        await shell(box, "truncate -s 100M huge")
        with pytest.raises(BadDiff, match=r"huge has 104857600 bytes"):
            await box.diff()
        await shell(box, "rm huge; printf x > \"$(printf 'bad\\377name')\"")
        with pytest.raises(BadDiff, match="UTF-8"):
            await box.diff()


async def test_a_diff_applied_again_gives_the_same_files(backend: Backend, layer: MakeLayer) -> None:
    """Random histories: what the diff says, done to a fresh sandbox, ends in the same tree."""
    chooser = random.Random(4)
    names = ["a", "b", "d/a", "d/b", "d/e/a", "f/a"]
    folder = layer({name: f"{name}\n" for name in names})
    steps = []
    for _ in range(40):
        name, other = chooser.choice(names), chooser.choice([*names, "d", "f", "d/e", "n/m"])
        steps.append(
            chooser.choice(
                [
                    *(
                        f"echo {chooser.random()} > {name}",
                        f"rm -rf {other}",
                        f"mkdir -p {other}",
                        f"mv {name} {other}",
                    ),
                    *(f"chmod +x {name}", f"ln -sf {name} {other}", f"cp {name} {other}"),
                    f"rm -rf {other}; mkdir -p {other}",
                ]
            )
        )
    list_all = [
        "sh",
        "-c",
        "find . \\( -type f -o -type l \\) | sort | while read f; do ls -l $f | cut -c1-4; cat $f; readlink $f; done",
    ]
    async with running(backend, SandboxSpec(layers=(folder,))) as first:
        await first.run(["sh", "-c", "\n".join(steps)], timeout_sec=60)
        diff, wanted = await first.diff(), await first.run(list_all, timeout_sec=60)
    assert len(diff.changes) > 3
    again = layer({name: f"{name}\n" for name in names})
    for change in diff.changes:
        if change.after is None or change.old_mode != change.mode:
            (again / change.path).unlink(missing_ok=True)
    for path in sorted((p for p in again.rglob("*") if p.is_dir() and not any(p.iterdir())), reverse=True):
        path.rmdir()
    for change in diff.changes:
        if change.after is not None:
            write(again / change.path, change)
    async with running(backend, SandboxSpec(layers=(again,))) as second:
        assert (await second.run(list_all, timeout_sec=60)).stdout == wanted.stdout


def write(path: Path, change: FileChange) -> None:
    assert change.after is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if change.mode == L:
        path.symlink_to(change.after.decode())
    else:
        path.write_bytes(change.after)
        path.chmod(change.mode & 0o777)
