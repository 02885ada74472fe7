"""What a repository's own files say about it: dependencies of package and tests, Python versions, entry points.

Reads pyproject.toml (PEP 621, PEP 735, Poetry), setup.cfg, PKG-INFO, tox.ini, noxfile.py and requirements
files as data; runs nothing.
"""

import ast
import configparser
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.errors import BadSource
from tasks.source import Source

TEST_NAMES = ("test", "tests", "testing", "unittest", "dev-test", "ci", "dev", "develop", "development", "all")
# Groups named `dev` carry these; no test imports them, and some are larger than all the rest.
_TOOLS = re.compile(
    r"^(sphinx.*|furo|mkdocs.*|myst-.*|doc8|reuse"
    r"|pre-commit|ruff|black|isort|flake8.*|pylint|pyupgrade|codespell|mypy|pyright|types-.*|bandit|safety|detect-secrets"
    r"|tox.*|nox|hatch|flit|pdm|poetry|uv|build|wheel|twine|bump.*|towncrier|zest-.*|commitizen|check-manifest"
    r"|validate-pyproject|pip-(tools|audit|licenses)|codecov|coveralls|ipython|jupyter.*|notebook"
    r"|pytest-sugar|pytest-xdist)$"
)


class Declared:
    """The declarations of one source, each read when asked for."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pyproject = self._toml("pyproject.toml")
        self.setup_cfg = self._ini("setup.cfg")
        info = source.code.parent / "PKG-INFO"
        self.package_info = HeaderParser().parsestr(info.read_text(errors="replace") if info.is_file() else "")
        project = self.pyproject.get("project", {})
        self.project: Mapping[str, Any] = project if isinstance(project, dict) else {}
        poetry = self.pyproject.get("tool", {}).get("poetry", {})
        self.poetry: Mapping[str, Any] = poetry if isinstance(poetry, dict) else {}

    # -- the package

    @property
    def name(self) -> str:
        stated = self.package_info.get("Name") or self.project.get("name") or self.poetry.get("name")
        return str(stated or self.setup_cfg.get("metadata", "name", fallback="") or self.source.name)

    @property
    def version(self) -> str:
        stated = self.package_info.get("Version") or self.project.get("version") or self.poetry.get("version")
        return str(stated or self.source.version or "0")

    @property
    def requires_python(self) -> str:
        stated = self.project.get("requires-python") or self.package_info.get("Requires-Python")
        if not stated and isinstance(self.poetry.get("dependencies"), dict):
            stated = _poetry_specifier(self.poetry["dependencies"].get("python", ""))
        return str(stated or self.setup_cfg.get("options", "python_requires", fallback=""))

    @property
    def classified_pythons(self) -> list[str]:
        """Minor versions that the classifiers name, e.g. ['3.10', '3.11']."""
        stated = [*self.project.get("classifiers", []), *self.poetry.get("classifiers", [])]
        stated += self.package_info.get_all("Classifier", [])
        stated += _lines(self.setup_cfg.get("metadata", "classifiers", fallback=""))
        found = {match.group(1) for line in stated if (match := re.search(r"Python :: (3\.\d+)$", str(line)))}
        return sorted(found, key=lambda version: int(version.split(".")[1]))

    def entry_points(self) -> dict[str, dict[str, str]]:
        """Group -> name -> object, e.g. {'console_scripts': {'sqlformat': 'sqlparse.__main__:main'}}."""
        groups: dict[str, dict[str, str]] = {}
        for key, group in (("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")):
            groups[group] = {**self.project.get(key, {})}
        groups["console_scripts"] |= {k: v for k, v in self.poetry.get("scripts", {}).items() if isinstance(v, str)}
        for group, entries in {**self.project.get("entry-points", {}), **self.poetry.get("plugins", {})}.items():
            groups[group] = {**entries}
        if self.setup_cfg.has_section("options.entry_points"):
            for group, text in self.setup_cfg.items("options.entry_points"):
                pairs = (line.split("=", 1) for line in _lines(text) if "=" in line)
                groups[group] = {key.strip(): value.strip() for key, value in pairs}
        if not any(groups.values()):  # written by setup.py, which does not run: an sdist carries what came of it
            built = self._ini("entry_points.txt", self.source.code.parent)
            groups = {group: dict(built.items(group)) for group in built.sections()}
        return {group: entries for group, entries in groups.items() if entries}

    # -- dependencies

    def runtime(self) -> list[str]:
        """Requirements of the package itself."""
        if "dependencies" in self.project:
            return list(self.project["dependencies"])
        if isinstance(self.poetry.get("dependencies"), dict):
            return _poetry_requirements(self.poetry["dependencies"])
        stated = _lines(self.setup_cfg.get("options", "install_requires", fallback=""))
        listed = [line for line in self.package_info.get_all("Requires-Dist", []) if "extra ==" not in line]
        return stated or listed or self._setup_py("install_requires")

    def extras(self) -> dict[str, list[str]]:
        """Extra -> requirements, from pyproject, Poetry, setup.cfg or PKG-INFO; extras of itself resolved."""
        extras: dict[str, list[str]] = {name: list(items) for name, items in self._declared_extras().items()}
        own = canonicalize_name(self.name)

        def expand(name: str, seen: tuple[str, ...]) -> list[str]:
            found = []
            for line in extras.get(name, []):
                requirement = _parsed(line)
                if requirement is not None and canonicalize_name(requirement.name) == own:
                    found += [each for extra in requirement.extras if extra not in seen for each in
                              expand(extra, (*seen, extra))]  # fmt: skip
                else:
                    found.append(line)
            return found

        return {name: expand(name, (name,)) for name in extras}

    def _declared_extras(self) -> Mapping[str, list[str]]:
        if "optional-dependencies" in self.project:
            return self.project["optional-dependencies"]  # type: ignore[no-any-return]
        if isinstance(self.poetry.get("extras"), dict):
            return self.poetry["extras"]  # type: ignore[no-any-return]
        if self.setup_cfg.has_section("options.extras_require"):
            return {name: _lines(text) for name, text in self.setup_cfg.items("options.extras_require")}
        found: dict[str, list[str]] = {}
        for line in self.package_info.get_all("Requires-Dist", []):
            if match := re.search(r"extra == ['\"]([^'\"]+)['\"]", line):
                found.setdefault(match.group(1), []).append(line.split(";")[0].strip())
        return found

    def groups(self) -> dict[str, list[str]]:
        """Dependency groups (PEP 735) with their includes, and Poetry's and PDM's older ones."""
        declared = self.pyproject.get("dependency-groups", {})

        def expand(name: str, seen: tuple[str, ...]) -> list[str]:
            found: list[str] = []
            for item in declared.get(name, []):
                if isinstance(item, str):
                    found.append(item)
                elif isinstance(item, dict) and (other := item.get("include-group")) and other not in seen:
                    found += expand(other, (*seen, other))
            return found

        groups = {name: expand(name, (name,)) for name in declared}
        for name, group in self.poetry.get("group", {}).items():
            groups.setdefault(name, _poetry_requirements(group.get("dependencies", {})))
        if "dev-dependencies" in self.poetry:
            groups.setdefault("dev", _poetry_requirements(self.poetry["dev-dependencies"]))
        for name, items in self.pyproject.get("tool", {}).get("pdm", {}).get("dev-dependencies", {}).items():
            groups.setdefault(name, [item for item in items if isinstance(item, str)])
        return groups

    def test_runners(self) -> list[str]:
        """Requirements that tox.ini and noxfile.py install before they run pytest."""
        tox = self._ini("tox.ini", self.source.protected)
        found = []
        for section in tox.sections():
            if section.startswith("testenv") and not re.search(r"(lint|doc|mypy|type|style|build|release)", section):
                found += [line.split(":", 1)[-1].strip() for line in _lines(tox.get(section, "deps", fallback=""))]
        return [line for line in found if not line.startswith(("-", "{", "."))] + self._nox()

    def requirements_files(self) -> list[Path]:
        """requirements files whose name or folder speaks of tests or development."""
        files = [
            *self.source.code.rglob("*.txt"),
            *self.source.code.rglob("*.in"),
            *self.source.protected.rglob("*.txt"),
        ]
        named = [file for file in files if "requirements" in file.as_posix().removeprefix(str(self.source.code))]
        wanted = [file for file in named if re.search(r"test|dev|ci", file.name)]
        plain = [self.source.code / "requirements.txt"]
        return sorted(wanted, key=lambda file: ("test" not in file.name, len(file.parts), file.name))[:4] + [
            file for file in plain if file.is_file()
        ]

    def _setup_py(self, argument: str) -> list[str]:
        """A literal list given to setup() in setup.py."""
        file = self.source.code / "setup.py"
        if not file.is_file():
            return []
        try:
            tree = ast.parse(file.read_text(errors="replace"))
        except SyntaxError:
            return []
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == argument and isinstance(node.value, ast.List):
                return [item.value for item in node.value.elts if isinstance(item, ast.Constant)
                        and isinstance(item.value, str)]  # fmt: skip
        return []

    def _nox(self) -> list[str]:
        file = self.source.protected / "noxfile.py"
        if not file.is_file():
            return []
        try:
            tree = ast.parse(file.read_text(errors="replace"))
        except SyntaxError:
            return []
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        literals = [arg.value for call in calls if call.func.attr == "install" for arg in call.args  # type: ignore[attr-defined]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]  # fmt: skip
        return [text for text in literals if not text.startswith(("-", "."))]

    def _toml(self, name: str) -> dict[str, Any]:
        file = self.source.code / name
        if not file.is_file():
            return {}
        try:
            return tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise BadSource(f"{self.source.spec}: {name} cannot be read: {error}") from error

    def _ini(self, name: str, folder: Path | None = None) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(strict=False)
        file = (folder or self.source.code) / name
        if file.is_file():
            try:
                parser.read_string(file.read_text(errors="replace"))
            except configparser.Error as error:
                raise BadSource(f"{self.source.spec}: {name} cannot be read: {error}") from error
        return parser


def clean_requirements(lines: Iterable[str], *, own_name: str, drop_tools: bool) -> list[str]:
    """Requirements that can be resolved: valid, not the package itself, and without linters and the like."""
    own = canonicalize_name(own_name)
    kept = []
    for line in lines:
        requirement = _parsed(line.split(" #")[0].strip())
        if requirement is None or canonicalize_name(requirement.name) == own or requirement.url:
            continue
        if drop_tools and _TOOLS.match(canonicalize_name(requirement.name)):
            continue
        kept.append(str(requirement))
    return list(dict.fromkeys(kept))


def read_requirements(file: Path) -> list[str]:
    """Lines of a requirements file, with the files that it includes by -r; options are left out."""
    found = []
    for line in file.read_text(errors="replace").splitlines():
        text = line.strip()
        if match := re.match(r"(?:-r|--requirement)[ =]*(\S+)", text):
            other = (file.parent / match.group(1)).resolve()
            if other.is_file() and other != file.resolve():
                found += read_requirements(other)
        elif text and not text.startswith(("#", "-")):
            found.append(shlex.split(text, comments=True)[0] if ";" not in text and " " not in text else text)
    return found


def _parsed(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def _poetry_requirements(table: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in table.items():
        if name == "python" or (isinstance(value, dict) and value.get("optional")):
            continue
        version = value.get("version", "") if isinstance(value, dict) else value
        extras = f"[{','.join(value['extras'])}]" if isinstance(value, dict) and value.get("extras") else ""
        marker = f"; {value['markers']}" if isinstance(value, dict) and value.get("markers") else ""
        if isinstance(version, str):
            found.append(f"{name}{extras}{_poetry_specifier(version)}{marker}")
    return found


def _poetry_specifier(text: str) -> str:
    """Poetry's caret and tilde, as a specifier that pip knows."""
    parts = []
    for part in re.split(r"\s*,\s*", text.strip()):
        if match := re.fullmatch(r"\^(\d+)((?:\.\d+)*)\S*", part):
            major = int(match.group(1))
            numbers = [int(number) for number in (match.group(1) + match.group(2)).split(".")]
            at = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1) if not major else 0
            upper = ".".join(str(number) for number in [*numbers[:at], numbers[at] + 1])
            parts.append(f">={part[1:]},<{upper}")
        elif match := re.fullmatch(r"~(\d+(?:\.\d+)*)", part):
            numbers = [int(number) for number in match.group(1).split(".")]
            upper = f"{numbers[0]}.{numbers[1] + 1}" if len(numbers) > 1 else str(numbers[0] + 1)
            parts.append(f">={part[1:]},<{upper}")
        elif re.fullmatch(r"\d+(\.\d+)*", part):
            parts.append(f"=={part}")
        elif part not in ("*", ""):
            parts.append(part.replace(" ", ""))
    return ",".join(parts)
