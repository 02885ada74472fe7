"""String formats changed: f-strings, `%`, `str.format`, `strftime`."""

import re
from collections.abc import Iterator
from itertools import pairwise

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile

PERCENT = re.compile(rb"%(?:\((?P<key>\w+)\))?(?P<spec>[-#0 +]*(?:\d+)?(?:\.\d+)?)(?P<type>[diouxXeEfFgGcrsa])")
FIELD = re.compile(rb"(?<!\{)\{(?P<name>[\w.\[\]]*)(?P<conversion>![rsa])?(?P<spec>:[^{}]+)?\}(?!\})")
SPEC = re.compile(
    rb"(?P<fill>.?[<>^])?(?P<sign>[-+ ]?#?)(?P<zero>0?)(?P<width>\d*)(?P<group>[,_]?)"
    rb"(?P<precision>(?:\.\d+)?)(?P<type>[a-zA-Z%]?)"
)
TIME = {b"%m": b"%d", b"%d": b"%m", b"%H": b"%I", b"%M": b"%m", b"%Y": b"%y", b"%B": b"%b", b"%A": b"%a"}
OTHER_SIDE = {b"<": b">", b">": b"<", b"^": b"<"}
OTHER_TYPE = {b"x": b"X", b"X": b"x", b"f": b"e", b"e": b"f", b"g": b"f", b"o": b"x", b"b": b"d"}


def change_format(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """Conversion, alignment, padding, precision or type of a formatted value; two values of a text exchanged."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.FormattedString):
            yield from _of_f_string(file, node)
        elif isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
            if isinstance(node.left, cst.SimpleString):
                yield from _of_percent(file, node.left)
                if isinstance(node.right, cst.Tuple):
                    yield from _values_exchanged(file, [element.value for element in node.right.elements])
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            name, texts = node.func.attr.value, [each.value for each in node.args]
            if name == "format" and isinstance(node.func.value, cst.SimpleString):
                yield from _of_fields(file, node.func.value)
            elif name in ("strftime", "strptime"):
                for text in texts:
                    if isinstance(text, cst.SimpleString):
                        yield from _of_time(file, text)


def _of_f_string(file: SourceFile, node: cst.FormattedString) -> Iterator[Edit]:
    fields = [part for part in node.parts if isinstance(part, cst.FormattedStringExpression)]
    for part in fields:
        start, end = file.whole_span(part.expression)[1], file.span(part)[1] - 1
        tail = file.data[start:end]  # white space, `=`, `!r`, `:spec`
        if part.equal is not None:
            continue
        spec = b"".join(file.text(each) for each in part.format_spec or ())
        is_plain = all(isinstance(each, cst.FormattedStringText) for each in part.format_spec or ())
        if part.format_spec is not None and is_plain:
            for other in _other_specs(spec):
                changed = tail[: tail.rindex(spec)] + other if other else tail[: tail.rindex(b":")]
                yield Edit(start, end, changed, "format changed")
        elif part.format_spec is None:
            yield Edit(start, end, b"" if part.conversion else b"!r", "conversion changed")
    yield from _values_exchanged(file, [part.expression for part in fields])


def _values_exchanged(file: SourceFile, values: list[cst.BaseExpression]) -> Iterator[Edit]:
    for one, two in pairwise(values):
        (start, one_end), (two_start, end) = file.whole_span(one), file.whole_span(two)
        first, second = file.data[start:one_end], file.data[two_start:end]
        if first != second:
            yield Edit(start, end, second + file.data[one_end:two_start] + first, "values exchanged")


def _of_percent(file: SourceFile, node: cst.SimpleString) -> Iterator[Edit]:
    start, text = file.span(node)[0], file.text(node)
    # `%%` is a percent sign: a match that begins inside one is none
    found = [match for match in PERCENT.finditer(text) if (_percents_before(text, match.start())) % 2 == 0]
    for match in found:
        key = b"(" + match["key"] + b")" if match["key"] else b""
        for spec in _other_percent_specs(match["spec"]):
            yield Edit(start + match.start(), start + match.end(), b"%" + key + spec + match["type"], "format changed")
        other = {b"s": b"r", b"r": b"s", **OTHER_TYPE}.get(match["type"])
        if other:
            text_after = b"%" + key + match["spec"] + other
            yield Edit(start + match.start(), start + match.end(), text_after, "conversion changed")
    yield from _exchanged(start, text, [match.span("key") for match in found if match["key"]])


def _of_fields(file: SourceFile, node: cst.SimpleString) -> Iterator[Edit]:
    start, text = file.span(node)[0], file.text(node)
    found = list(FIELD.finditer(text))
    for match in found:
        head = b"{" + match["name"]
        if match["spec"]:
            for other in _other_specs(match["spec"][1:]):
                changed = head + (match["conversion"] or b"") + (b":" + other if other else b"") + b"}"
                yield Edit(start + match.start(), start + match.end(), changed, "format changed")
        else:
            changed = head + (b"" if match["conversion"] else b"!r") + b"}"
            yield Edit(start + match.start(), start + match.end(), changed, "conversion changed")
    yield from _exchanged(start, text, [match.span("name") for match in found if match["name"]])


def _of_time(file: SourceFile, node: cst.SimpleString) -> Iterator[Edit]:
    start, text = file.span(node)[0], file.text(node)
    for match in re.finditer(rb"%[a-zA-Z%]", text):
        if match[0] in TIME:
            yield Edit(start + match.start(), start + match.end(), TIME[match[0]], "time format changed")


def _exchanged(start: int, text: bytes, spans: list[tuple[int, int]]) -> Iterator[Edit]:
    """Two neighbouring names of a text change places."""
    for (first, first_end), (second, second_end) in pairwise(spans):
        one, two = text[first:first_end], text[second:second_end]
        if one != two:
            changed = two + text[first_end:second] + one
            yield Edit(start + first, start + second_end, changed, "values exchanged")


def _other_specs(spec: bytes) -> Iterator[bytes]:
    """Other format specifications near this one; the empty one is none at all."""
    yield b""
    match = SPEC.fullmatch(spec)
    if match is None:
        return
    fill, rest = match["fill"] or b"", spec[len(match["fill"] or b"") :]
    if fill:
        yield fill[:-1] + OTHER_SIDE[fill[-1:]] + rest
    yield from (fill + other for other in _other_numbers(match, rest))
    if other := OTHER_TYPE.get(match["type"]):
        yield spec[:-1] + other


def _other_percent_specs(spec: bytes) -> Iterator[bytes]:
    if b"-" in spec:
        yield spec.replace(b"-", b"")
    if match := SPEC.fullmatch(spec):
        yield from _other_numbers(match, spec)


def _other_numbers(match: re.Match[bytes], text: bytes) -> Iterator[bytes]:
    """Without the padding zero; with one digit more or less."""
    if match["zero"] and match["width"]:
        yield text.replace(b"0" + match["width"], match["width"], 1)
    if match["precision"]:
        digits = int(match["precision"][1:])
        for other in (digits + 1, digits - 1):
            if other >= 0:
                yield text.replace(match["precision"], b".%d" % other, 1)


def _percents_before(text: bytes, at: int) -> int:
    return len(text[:at]) - len(text[:at].rstrip(b"%"))
