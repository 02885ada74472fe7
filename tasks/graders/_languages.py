"""From a source file to the command that runs it, by the compilers that the sandbox has."""

from typing import Any

from tasks.graders._reading import Refused
from tasks.graders._sandboxed import is_missing, why_ended
from tasks.graders.grading import CannotGrade, Work

_BY_SUFFIX = {"py": "python", "c": "c", "cpp": "cpp", "cc": "cpp", "cxx": "cpp", "java": "java"}
_BINARY = "/tmp/gristmill-program"
_COMPILE_SEC = 60.0
_FIND_JDK = (
    'for each in "$(command -v javac)" /usr/lib/jvm/*/bin/javac; do "$each" -version >&2 && echo "$each" && exit; done'
)
_MEMORY = 'ulimit -v {kb}; ulimit -s {stack} 2>/dev/null; exec "$@"'


def language_of(data: Any) -> str:
    """As given, or by the file's suffix. Raises CannotGrade."""
    if data.language != "auto":
        return str(data.language)
    suffix = data.output.rsplit(".", 1)[-1].lower()
    if suffix not in _BY_SUFFIX:
        raise CannotGrade(f"program: no language is known for {data.output}; give `language` or `command`")
    return _BY_SUFFIX[suffix]


async def built(work: Work, path: str, language: str, memory_mb: int) -> list[str]:
    """The command for one run. Raises Refused where it does not compile, CannotGrade where there is no compiler."""
    if language == "python":
        return ["python3", path]
    if language == "java":
        folder = await _working_jdk(work)
        await _compile(work, [f"{folder}/javac", "-encoding", "UTF-8", "-d", _BINARY, path], path)
        return [f"{folder}/java", f"-Xmx{memory_mb}m", "-Xss64m", "-XX:+UseSerialGC", "-cp", _BINARY, _java_class(path)]
    compiler = {"c": ["gcc", "-std=c17"], "cpp": ["g++", "-std=c++17"]}[language]
    await _compile(work, [*compiler, "-O2", "-w", "-o", _BINARY, path, "-lm"], path)
    return [_BINARY]


def with_memory_limit(command: list[str], memory_mb: int) -> list[str]:
    """Java has its own limit: its virtual memory says nothing about what it uses."""
    if is_java(command):
        return command
    script = _MEMORY.replace("{kb}", str(memory_mb << 10)).replace("{stack}", str(min(memory_mb, 256) << 10))
    return ["/bin/sh", "-c", script, "sh", *command]


def is_java(command: list[str]) -> bool:
    return command[0].rsplit("/", 1)[-1] == "java"


async def _working_jdk(work: Work) -> str:
    """The folder of a Java compiler that starts. Debian's does not where a sandbox has no /etc/java-…; others do."""
    ran = await work.run(["/bin/sh", "-c", _FIND_JDK], timeout_sec=_COMPILE_SEC)
    if ran.exit_code != 0 or not ran.stdout.strip():
        raise CannotGrade(
            "program: the sandbox has no javac that starts; add a JDK, or take the language out of the task"
        )
    return ran.stdout.strip().rsplit("/", 1)[0]


async def _compile(work: Work, command: list[str], path: str) -> None:
    ran = await work.run(command, timeout_sec=_COMPILE_SEC)
    if await is_missing(work, command[0], ran):
        raise CannotGrade(f"program: the sandbox has no {command[0]}; add it, or take the language out of the task")
    if ran.exit_code != 0:
        first = next((line for line in ran.stderr.splitlines() if "error" in line), "")
        raise Refused(f"{path} does not compile: {first[:300] or why_ended(ran, _COMPILE_SEC)}")


def _java_class(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(".java")
