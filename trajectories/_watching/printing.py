"""What commands print, where that can be known from their words and their input."""

import base64
import binascii
import re
from itertools import pairwise

_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_DECODING = frozenset({"-d", "--decode", "-D", "-di"})
_LIBRARIES = "/usr/lib/python3/dist-packages"


def printed(words: tuple[str, ...]) -> str:
    """What `echo` or `printf` with these words prints, roughly."""
    rest = list(words[1:])
    is_raw = True
    while rest and words[0] == "echo" and re.fullmatch(r"-[neE]+", rest[0]):
        is_raw = "e" not in rest.pop(0)
    if words[0] == "printf" and rest:
        form, is_raw = rest.pop(0), False
        for value in rest[:50]:
            form = form.replace("%s", value.replace("%", "%%"), 1) if "%s" in form else form + " " + value
        rest = [form.replace("%%", "%")]
    text = " ".join(rest)
    return text if is_raw else unescaped(text)


def output(words: tuple[str, ...], stdin: str | None) -> str:
    """What a command prints; empty where that is not known."""
    match words:
        case ("echo" | "printf", *_):
            return printed(words)
        case ("ls", *rest) | ("git", "ls-files", *rest):
            return "\n".join(word for word in rest if "/" in word and not word.startswith("-"))
        case ("find", root, *_):
            wanted = [second for first, second in pairwise(words) if first in ("-name", "-iname")]
            return "\n".join(f"{root.rstrip('/')}/{name}" for name in wanted)
    if not words or stdin is None:
        return ""
    match words[0]:
        case "cat" | "tee":
            return stdin
        case "base64" if _DECODING & set(words):
            return _from_base64("".join(stdin.split()))
        case "xxd" if "-r" in words:
            return _from_hexadecimal("".join(stdin.split()))
        case "rev":
            return "\n".join(line[::-1] for line in stdin.splitlines())
    return ""


def substituted(words: tuple[str, ...], text: str) -> str:
    """What `$(text)` gives, a single command of these words: also the place of a test tool that is asked for."""
    match words:
        case ("echo" | "printf", *_):
            return printed(words)
        case ("which" | "command" | "type", *_, name) if re.fullmatch(r"py\.?test|python[\d.]*|bash|sh|git", name):
            return f"/usr/bin/{name}"
    if re.search(r"getsitepackages|sysconfig", text[:1000]):
        return _LIBRARIES
    found = re.search(r"\bimport ((?:_?pytest|pluggy|unittest)(?:\.\w+)*)\b", text[:1000])
    return f"{_LIBRARIES}/{found[1].replace('.', '/')}.py" if found and "__file__" in text else ""


def unescaped(text: str) -> str:
    r"""The text with `\n`, `\x41`, `\101`, `\u0041` replaced, as in `$'…'` and for `echo -e`."""
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    hexadecimal, octal, plain = found[1] or found[3], found[2], found[4]
    if hexadecimal:
        return chr(int(hexadecimal, 16))
    return chr(int(octal, 8) & 0xFF) if octal else {"n": "\n", "t": "\t", "r": "\r"}.get(plain, plain)


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _from_hexadecimal(text: str) -> str:
    try:
        return bytes.fromhex(text).decode(errors="replace")
    except ValueError:
        return ""
