"""Loading a template: every fault that can be seen without drawing is told with its line, all of them at once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from tasks.errors import BadTemplate, TaskFault
from tasks.graders import Grader, get_grader
from tasks.templates.located import Located, Place, read_located
from tasks.templates.parameters import FieldFault, Sampler, prepare
from tasks.templates.rendering import KNOWN_NAMES, Fault, compile_expression, compile_text
from tasks.templates.schema import FileContent, TemplateSource, joined
from tasks.templates.template import Compiled, CompiledService, Template

_TOP = "a template is a mapping: name, description, parameters, phrasings, environment, grader, reference"


def load_template(file: Path, *, tools: Collection[str] = ()) -> Template:
    """Read and check a template. `tools`: names that its `tools` may have; none given: any.

    Raises BadTemplate, a line `FILE:LINE: field: what is wrong` for each fault.
    """
    located = read_located(file)
    if isinstance(located.data, dict) and "annotation" in located.data:  # columns of a data set, not yet a template
        from tasks.families.instruction_data.mapping import located_template

        located = located_template(located)
    if not isinstance(located.data, dict):
        raise BadTemplate(f"{file}:1: {_TOP}")
    try:
        source = TemplateSource.model_validate(located.data)
    except ValidationError as error:
        problems = [
            located.problem(_place_of(each["loc"]), _said(each), in_value=each["type"] != "extra_forbidden")
            for each in error.errors()
        ]
        raise BadTemplate(_together(problems)) from error
    if empty := source.empty_fields():
        what = "is empty; write something behind it, or remove the line"
        raise BadTemplate(_together([located.problem(place, what) for place in empty]))
    loader = _Loader(source, located, file.parent.resolve())
    template = loader.load(tools)
    if loader.problems:
        raise BadTemplate(_together(loader.problems))
    return template


def _together(problems: list[tuple[int, str]]) -> str:
    return "\n".join(dict.fromkeys(text for _, text in sorted(problems, key=lambda each: each[0])))


def _place_of(loc: tuple[int | str, ...]) -> Place:
    return tuple(part for part in loc if part not in ("int", "float", "[key]"))


def _said(error: Any) -> str:
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "there is no such field; remove it or mend its name"
        case "too_short" | "string_too_short":
            return f"is empty ({error['msg']})"
    what = error["msg"].removeprefix("Value error, ")
    return f"{what} (got {error['input']!r:.80})"


class _Loader:
    """Compiles a template's parts and keeps what is wrong with each."""

    def __init__(self, source: TemplateSource, located: Located, folder: Path) -> None:
        self.source, self.located, self.folder = source, located, folder
        self.problems: list[tuple[int, str]] = []
        self.used: dict[str, bytes] = {}

    def load(self, tools: Collection[str]) -> Template:
        source, env = self.source, self.source.environment
        samplers = self._parameters()
        names = tuple(source.parameters)
        self._check_names(tools)
        self._grader()
        files, copied = self._contents(("environment", "files"), env.files, names)
        reference = source.reference
        if len(given := sorted(reference.model_fields_set)) != 1:
            what = "give one of files, files_from and script" + (f", not {' and '.join(given)}" if given else "")
            self._problem(("reference",), what)
        made, made_copied = self._contents(("reference", "files"), reference.files or {}, names)
        said = (*names, *source.inputs)
        return Template(
            source=source,
            located=self.located,
            folder=self.folder,
            hash=self._hash(),
            samplers=samplers,
            require=self._each("require", source.require, names, compile_expression),
            tags=self._each("tags", source.tags, names, compile_text),
            phrasings={
                name: compiled
                for name, text in source.phrasings.items()
                if (compiled := self._text(("phrasings", name), text, said))
            },
            files=files,
            copied=copied,
            files_from=self._expression(("environment", "files_from"), env.files_from, names),
            services=self._services(names),
            grading_from=self._expression(("grading_from",), source.grading_from, names),
            hidden_from=self._expression(("hidden_from",), source.hidden_from, names),
            reference_files=made,
            reference_copied=made_copied,
            reference_from=self._expression(("reference", "files_from"), reference.files_from, names),
            reference_script=self._text(("reference", "script"), reference.script, names),
            decoys=self._expression(("decoys",), source.decoys, names),
            inputs={
                name: compiled
                for name, each in source.inputs.items()
                if (compiled := self._expression(("inputs", name, "value"), each.value, names))
            },
            output=self._expression(("output", "value"), source.output.value if source.output else None, names),
        )

    # ---------------------------------------------------------------- parts

    def _parameters(self) -> tuple[Sampler, ...]:
        found: list[Sampler] = []
        earlier: tuple[str, ...] = ()
        for name, parameter in self.source.parameters.items():
            place: Place = ("parameters", name)
            if name in KNOWN_NAMES:
                self._problem(place, "is the name of a Jinja function; give the parameter another one")
            if misfits := parameter.misfits():
                for field, what in misfits:
                    self._problem((*place, field) if field else place, what)
            else:
                try:
                    found.append(prepare(name, parameter, self.folder, earlier))
                except FieldFault as fault:
                    self._problem((*place, fault.field), fault.what + self._near(fault.name), fault.line)
            earlier = (*earlier, name)
            for path in (parameter.table, parameter.taxonomy, parameter.database):
                self._use(path or "")
        return tuple(found)

    def _check_names(self, tools: Collection[str]) -> None:
        for at, tool in enumerate(self.source.tools):
            if tools and tool not in tools:
                self._problem(("tools", at), f"no tool is called {tool!r}; there are: {', '.join(sorted(tools))}")
        for at, pattern in enumerate(self.source.accepts):
            if pattern.startswith("/") or ".." in pattern.split("/"):
                self._problem(("accepts", at), f"{pattern!r} must be relative to the working directory, without ..")
        seen: set[object] = set()
        for at, service in enumerate(self.source.environment.services):
            for field, value in (("name", service.name), ("port", service.port)):
                if (field, value) in seen:
                    self._problem(("environment", "services", at, field), f"two services have the {field} {value}")
                seen.add((field, value))

    def _grader(self) -> None:
        try:
            grader = get_grader(self.source.grader)
        except TaskFault as error:
            self._problem(("grader",), str(error))
            return
        self._grading(grader)

    def _grading(self, grader: Grader) -> None:
        """Each literal field by itself; what `grading_from` adds is known once something is drawn."""
        hints = get_type_hints(grader.Data)
        known = {each.name: each for each in fields(grader.Data)}
        for name, value in self.source.grading.items():
            if name not in known:
                what = f"grader {grader.name} has no such field; it has: {', '.join(known)}"
                self._problem(("grading", name), what)
                continue
            try:
                TypeAdapter(hints[name]).validate_python(value)
            except ValidationError as error:
                for each in error.errors():
                    self._problem(("grading", name, *each["loc"]), _said(each))

    def _contents(
        self, place: Place, files: Mapping[str, FileContent], names: tuple[str, ...]
    ) -> tuple[dict[str, Compiled], dict[str, bytes]]:
        compiled: dict[str, Compiled] = {}
        copied: dict[str, bytes] = {}
        for path, content in files.items():
            here = (*place, path)
            found = None
            if len(given := sorted(content.model_dump(exclude_unset=True))) != 1:
                self._problem(
                    here, f"give one of value, text and copy{', not ' + ' and '.join(given) if given else ''}"
                )
            elif content.value is not None:
                found = self._expression((*here, "value"), content.value, names)
            elif content.text is not None:
                found = self._text((*here, "text"), content.text, names)
            else:
                copied |= self._copied((*here, "copy"), path, content.copied or "")
            if found is not None:
                compiled[path] = found
        return compiled, copied

    def _copied(self, place: Place, path: str, name: str) -> dict[str, bytes]:
        source = self.folder / name
        if source.is_file():
            return {path: self._use(name)}
        files = sorted(each for each in source.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
        if not files:
            self._problem(place, f"there is no file {source}")
        below = {each.relative_to(source).as_posix() for each in files}
        return {joined(path, each): self._use(joined(name, each)) for each in sorted(below)}

    def _services(self, names: tuple[str, ...]) -> tuple[CompiledService, ...]:
        found = []
        for at, service in enumerate(self.source.environment.services):
            place: Place = ("environment", "services", at)
            program = self._use(service.program)
            if not (self.folder / service.program).is_file():
                self._problem((*place, "program"), f"there is no file {self.folder / service.program}")
                continue
            try:
                compile(program, service.program, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                self._problem((*place, "program"), f"{service.program}:{line}: is no valid Python: {error}")
            data = self._expression((*place, "data"), service.data, names)
            found.append(CompiledService(service.name, program, data, service.port, service.ready))
        return tuple(found)

    # ---------------------------------------------------------------- texts and expressions

    def _text(self, place: Place, text: str | None, names: Collection[str]) -> Compiled | None:
        return self._compiled(place, text, names, compile_text)

    def _expression(self, place: Place, text: str | None, names: Collection[str]) -> Compiled | None:
        return self._compiled(place, text, names, compile_expression)

    def _each(
        self, field: str, texts: list[str], names: Collection[str], compile: Callable[..., Any]
    ) -> tuple[Compiled, ...]:
        found = (self._compiled((field, at), text, names, compile) for at, text in enumerate(texts))
        return tuple(each for each in found if each is not None)

    def _compiled(
        self, place: Place, text: str | None, names: Collection[str], compile: Callable[..., Any]
    ) -> Compiled | None:
        if text is None:
            return None
        try:
            return Compiled(self.located, place, compile(text, names))
        except Fault as fault:
            self._problem(place, fault.what + self._near(fault.name), fault.line)
            return None

    # ---------------------------------------------------------------- files and problems

    def _problem(self, place: Place, what: str, text_line: int | None = None) -> None:
        self.problems.append(self.located.problem(place, what, text_line=text_line))

    def _near(self, name: str) -> str:
        """Where a name that is asked for may have been meant to be given."""
        given = {each: ("parameters", each) for each in self.source.parameters}
        given |= {each: ("inputs", each) for each in self.source.inputs}
        near = get_close_matches(name, given, n=1) if name else []
        return f"; is {near[0]!r} in line {self.located.line(given[near[0]])} meant?" if near else ""

    def _use(self, name: str) -> bytes:
        """A file beside the template; what is used of them goes into the template's hash."""
        file = self.folder / name
        if not name or not file.is_file():
            return b""
        self.used[name] = file.read_bytes()
        return self.used[name]

    def _hash(self) -> str:
        """sha256 over the template, the files that it names, and all Python beside it."""
        for file in self.folder.glob("*.py"):
            self.used[file.name] = file.read_bytes()
        for parameter in self.source.parameters.values():
            for path in sorted(self.folder.glob(parameter.file)) if parameter.file else ():
                if path.is_file():
                    self.used[path.relative_to(self.folder).as_posix()] = path.read_bytes()
        digest = sha256(self.located.file.read_bytes())
        for name, content in sorted(self.used.items()):
            digest.update(f"{name}\0{sha256(content).hexdigest()}\n".encode())
        return digest.hexdigest()
