"""Python files as generators see them: parsed once, with the byte span of every node."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper

from tasks.generators import _walk


@dataclass(frozen=True)
class Edit:
    """Bytes `start` to `end` of a file become `text`; `kind` says what was done in a few words."""

    start: int
    end: int
    text: bytes
    kind: str


@dataclass(frozen=True)
class Definition:
    """A function, method or class of a file. Nested functions belong to the one around them."""

    name: str
    node: cst.FunctionDef | cst.ClassDef
    start: int
    end: int


@dataclass
class SourceFile:
    """One file's bytes and its tree. Edits are spliced into the bytes, so all else stays as it was."""

    path: str
    data: bytes
    _module: cst.Module = field(repr=False)
    _spans: Mapping[cst.CSTNode, CodeSpan] = field(repr=False)
    definitions: tuple[Definition, ...] = ()
    _walked: dict[cst.CSTNode, tuple[cst.CSTNode, ...]] = field(default_factory=dict, repr=False)

    def nodes(self, root: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
        """As `_walk.nodes`; walked once for all kinds, which is most of their time."""
        if root not in self._walked:
            self._walked[root] = tuple(_walk.nodes(root))
        return self._walked[root]

    def blocks(self, root: cst.CSTNode) -> Iterator[Sequence[cst.BaseStatement]]:
        """The statements of every indented block below `root`."""
        return (node.body for node in self.nodes(root) if isinstance(node, cst.IndentedBlock))

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """First byte and one past the last byte of a node, without the white space around it."""
        span = self._spans[node]
        return span.start, span.start + span.length

    def text(self, node: cst.CSTNode) -> bytes:
        start, end = self.span(node)
        return self.data[start:end]

    def whole_span(self, node: cst.BaseExpression) -> tuple[int, int]:
        """Span of an expression with the parentheses around it, which `span` leaves out."""
        start, end = self.span(node)
        if node.lpar:
            start, end = self.span(node.lpar[0])[0], self.span(node.rpar[-1])[1]
        return start, end

    def whole_text(self, node: cst.BaseExpression) -> bytes:
        start, end = self.whole_span(node)
        return self.data[start:end]

    def replace(self, node: cst.CSTNode, text: bytes, kind: str) -> Edit:
        start, end = self.span(node)
        return Edit(start, end, text, kind)

    def line_of(self, offset: int) -> int:
        """Line number, 1-based, of a byte."""
        return self.data.count(b"\n", 0, offset) + 1

    def lines_of(self, start: int, end: int) -> tuple[int, int]:
        """Grow a span to whole lines: start of the first, start of the line after the last."""
        first = self.data.rfind(b"\n", 0, start) + 1
        after = self.data.find(b"\n", end)
        return first, len(self.data) if after < 0 else after + 1

    def is_alone(self, start: int, end: int) -> bool:
        """Nothing but white space or a comment shares the lines of a span."""
        first, after = self.lines_of(start, end)
        rest = self.data[end:after].strip()
        return not self.data[first:start].strip() and (not rest or rest.startswith(b"#"))

    def applied(self, edit: Edit) -> bytes:
        return self.data[: edit.start] + edit.text + self.data[edit.end :]


def parse_source_file(path: str, data: bytes) -> SourceFile | None:
    """Parse a file; None for one that LibCST cannot parse (a template, another Python's syntax)."""
    try:
        # Copying would only protect against one node object standing at two places; the parser makes none.
        wrapper = MetadataWrapper(cst.parse_module(data), unsafe_skip_copy=True)
    except (cst.ParserSyntaxError, UnicodeDecodeError):
        return None
    if wrapper.module.encoding.lower().replace("-", "") not in ("utf8", "ascii"):
        return None  # spans are those of the UTF-8 form
    if wrapper.module.bytes != data:
        return None  # LibCST drops white space at some places (`except (A, B) :`): spans after them would be off
    spans = wrapper.resolve(ByteSpanPositionProvider)
    file = SourceFile(path, data, wrapper.module, spans)
    file.definitions = tuple(_definitions(file, wrapper.module, ""))
    return file


def _definitions(file: SourceFile, scope: cst.Module | cst.ClassDef, prefix: str) -> Iterator[Definition]:
    for node in _statements(scope.body):
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            name = f"{prefix}{node.name.value}"
            yield Definition(name, node, *file.span(node))
            if isinstance(node, cst.ClassDef):
                yield from _definitions(file, node, f"{name}.")


def _statements(body: object) -> Iterator[cst.CSTNode]:
    """Statements of a block, and of the if and try blocks in it (definitions are often guarded)."""
    children = body.body if isinstance(body, cst.IndentedBlock) else body
    for child in children if isinstance(children, list | tuple) else ():
        yield child
        if isinstance(child, cst.If | cst.Try):
            yield from _statements(child.body)
            orelse = child.orelse
            if isinstance(orelse, cst.Else):
                yield from _statements(orelse.body)
