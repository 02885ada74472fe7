"""A loaded template: everything compiled, ready to be drawn from. `loading.py` makes it, `drawing.py` uses it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.errors import BadTemplate
from tasks.templates.located import Located, Place
from tasks.templates.parameters import Sampler
from tasks.templates.rendering import Fault
from tasks.templates.schema import TemplateSource


@dataclass(frozen=True)
class Compiled:
    """A Jinja text or expression, and where it stands."""

    located: Located
    place: Place
    act: Callable[[Mapping[str, Any]], Any]

    def __call__(self, values: Mapping[str, Any], finish: Callable[[Any], Any] = lambda value: value) -> Any:
        """Raises BadTemplate naming the line."""
        try:
            return finish(self.act(values))
        except Fault as fault:
            raise BadTemplate(self.located.problem(self.place, fault.what, text_line=fault.line)[1]) from fault


@dataclass(frozen=True)
class CompiledService:
    name: str
    program: bytes
    data: Compiled | None
    port: int
    ready: str


@dataclass(frozen=True)
class Template:
    """Fields as of the template's file, compiled."""

    source: TemplateSource
    located: Located
    folder: Path
    hash: str
    samplers: tuple[Sampler, ...] = ()
    require: tuple[Compiled, ...] = ()
    tags: tuple[Compiled, ...] = ()
    phrasings: Mapping[str, Compiled] = field(default_factory=dict)
    files: Mapping[str, Compiled] = field(default_factory=dict)
    copied: Mapping[str, bytes] = field(default_factory=dict)
    files_from: Compiled | None = None
    services: tuple[CompiledService, ...] = ()
    grading_from: Compiled | None = None
    hidden_from: Compiled | None = None
    reference_files: Mapping[str, Compiled] = field(default_factory=dict)
    reference_copied: Mapping[str, bytes] = field(default_factory=dict)
    reference_from: Compiled | None = None
    reference_script: Compiled | None = None
    decoys: Compiled | None = None
    inputs: Mapping[str, Compiled] = field(default_factory=dict)
    output: Compiled | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def family(self) -> str:
        return self.source.family or self.source.name

    def fault(self, place: Place, what: str, *, text_line: int | None = None) -> BadTemplate:
        """The error that names a place of the file."""
        return BadTemplate(self.located.problem(place, what, text_line=text_line)[1])
