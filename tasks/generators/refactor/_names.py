"""New names that read naturally: a synonym of the first or last word, else a fitting affix; never one that is taken."""

import builtins
import keyword
import re
from random import Random

from tasks.generators.refactor._project import Project

# fmt: off
_VERBS = {
    "add": "append insert", "apply": "perform carry_out", "build": "make assemble", "calc": "compute",
    "check": "verify ensure", "clean": "tidy", "clear": "empty reset", "collect": "gather",
    "compute": "calculate derive", "convert": "transform turn", "create": "make build", "decode": "decipher unpack",
    "delete": "remove drop", "do": "perform", "dump": "write_out serialize", "encode": "pack", "ensure": "require",
    "extract": "pull_out take", "fetch": "get retrieve", "filter": "select keep", "find": "locate search",
    "flatten": "unnest", "format": "lay_out render", "from": "out_of", "generate": "produce",
    "get": "fetch obtain retrieve", "group": "gather cluster", "handle": "process treat", "has": "contains holds",
    "init": "set_up", "insert": "add put_in", "is": "counts_as", "join": "concatenate combine",
    "list": "enumerate_all", "load": "read_in", "log": "record", "lookup": "find", "make": "build create",
    "match": "fit", "merge": "combine unite", "next": "following", "normalize": "standardize",
    "parse": "read interpret", "pop": "take_off", "print": "show", "process": "handle treat", "push": "put_on",
    "read": "load", "register": "enrol record", "remove": "drop discard strip", "render": "draw present",
    "replace": "substitute", "reset": "restore", "resolve": "work_out", "run": "execute", "save": "store",
    "search": "look_for", "send": "deliver dispatch", "set": "assign", "show": "display", "skip": "pass_over",
    "sort": "order", "split": "divide cut", "start": "begin launch", "stop": "halt end", "strip": "trim",
    "test": "try_out", "to": "as", "tokenize": "scan lex", "transform": "convert", "update": "refresh amend",
    "validate": "check verify", "visit": "walk", "wrap": "enclose", "write": "put_out emit", "imt": "matches",
}
_NOUNS = {
    "args": "arguments", "buffer": "store", "cache": "memo", "class": "kind", "column": "field", "config": "settings",
    "context": "surroundings", "data": "content", "dict": "mapping", "error": "failure fault", "exception": "error",
    "file": "document", "filter": "stage sieve", "formatter": "renderer", "function": "routine call",
    "group": "cluster", "handler": "processor", "helper": "assistant", "identifier": "designator",
    "index": "position", "item": "entry element", "key": "label", "keywords": "words", "lexer": "scanner",
    "line": "row", "list": "sequence collection", "manager": "keeper", "map": "table", "message": "note",
    "mixin": "trait", "name": "title", "node": "vertex element", "number": "figure", "object": "thing",
    "option": "setting", "options": "settings", "param": "argument", "parser": "reader", "path": "location",
    "pattern": "template", "query": "request", "regex": "pattern", "result": "outcome", "size": "extent",
    "source": "origin", "stack": "pile", "start": "beginning", "state": "condition", "statement": "sentence command",
    "string": "text", "table": "grid", "text": "content", "token": "symbol lexeme", "type": "kind", "types": "kinds",
    "value": "content amount", "width": "breadth", "writer": "emitter", "base": "foundation", "max": "upper",
    "default": "fallback", "limit": "bound", "totals": "sums", "numerals": "digits",
}
# fmt: on
_AFFIXES = {
    "function": ("run_{}", "do_{}", "carry_out_{}"),
    "method": ("do_{}", "own_{}", "work_out_{}"),
    "class": ("{}Object", "{}Model", "Plain{}", "Basic{}"),
    "constant": ("{}_SETTING", "KNOWN_{}", "ALL_{}"),
    "parameter": ("{}_value", "given_{}", "the_{}"),
}


def new_name(name: str, what: str, project: Project, rng: Random) -> str:
    """Another name for `name` that nothing in the repository has. `what`: a key of _AFFIXES."""
    bare = name.lstrip("_")
    lead = name[: len(name) - len(bare)]
    is_camel = what == "class" and bare[:1].isupper()
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]", bare) if is_camel else bare.lower().split("_")
    choices = [_joined(each, bare, is_camel) for each in _synonyms([word.lower() for word in words])]
    rng.shuffle(choices)
    affixes = list(_AFFIXES[what])
    rng.shuffle(affixes)
    choices += [affix.format(bare) for affix in affixes]
    choices += [f"{bare}{number}" if is_camel else f"{bare}_{number}" for number in range(2, 100)]
    return next(lead + each for each in choices if is_free(lead + each, project))


def is_free(name: str, project: Project) -> bool:
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not keyword.issoftkeyword(name)
        and not hasattr(builtins, name)
        and name not in project.identifiers
        and name not in project.by_module
    )


def _synonyms(words: list[str]) -> list[list[str]]:
    found = []
    for verb in _VERBS.get(words[0], "").split():
        found.append([*verb.split("_"), *words[1:]])
    for at in range(len(words) - 1, -1, -1):
        for noun in _NOUNS.get(words[at], "").split():
            found.append([*words[:at], noun, *words[at + 1 :]])
    return found


def _joined(words: list[str], like: str, is_camel: bool) -> str:
    if is_camel:
        return "".join(word.capitalize() for word in words)
    text = "_".join(words)
    return text.upper() if like.isupper() else text
