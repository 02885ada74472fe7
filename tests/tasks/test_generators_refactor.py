"""Refactors: what is proposed, what is left alone; only whole ones pass, whichever way they are written."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from environments import Backend
from tasks.candidate import Candidate
from tasks.decisions import Validated
from tasks.generators.refactor import Refactor
from tasks.generators.refactor._names import is_free, new_name
from tasks.generators.refactor._plan import NotSure, Plan
from tasks.generators.refactor._project import Project
from tasks.generators.refactor._references import Symbol, references
from tasks.generators.refactor._symbols import symbols
from tasks.generators.refactor.generator import BRIEFS, KINDS, candidate_of
from tasks.instruction import write_instruction
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.validation import Validator

from .refactor_repository import FILES
from .solving import accepted, unsolved

WORDS, BOOKS, REPORT = "shelf/words.py", "shelf/books.py", "shelf/report.py"


REPORT_IN_ANOTHER_STYLE = """\
from . import books as library, words


def report(books, width=12):
    return [library.NEW(each, width, "*" if library.is_thick(each) else " ") for each in books]


def untested_report(books):
    return [
        library.NEW(
            book,
            5,
            "-",
        )
        for book in books
    ]


def call_by_name(book, name):
    return getattr(book, "visit_" + name)()


def main():
    print(report([library.Book("x", 1)]), words.initials("x"))
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, session_cache: Path, bubblewrap: Backend) -> Repository:
    folder = tmp_path_factory.mktemp("shelf")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    source = fetch_source(str(folder), cache=session_cache)
    return asyncio.run(prepare_repository(source, bubblewrap, cache=session_cache))


@pytest.fixture(scope="module")
def project(shelf: Repository) -> Project:
    return Project(shelf)


def symbol(project: Project, name: str) -> Symbol:
    return next(each for each in symbols(project) if each.qualified == name)


def plan(project: Project, kind: str, name: str, wanted: str = "", seeds: int = 40) -> Plan:
    """A refactor of this kind; of several ways, the one whose new name or text has `wanted` in it."""
    target = next(
        each for each in KINDS[kind].targets(project) if name in (getattr(each, "qualified", ""), each.dotted)
    )
    plans = (KINDS[kind].plan(project, target, Random(seed)) for seed in range(seeds))
    return next(each for each in plans if wanted in each.new_name)


def solved(candidate: Candidate) -> dict[str, str]:
    """What the reference makes of each file that it touches."""
    assert candidate.reference is not None
    return {each.path: (each.after or b"").decode() for each in candidate.reference.changes}


def changed(texts: Mapping[str, str], path: str, old: str, new: str) -> dict[str, bytes]:
    """The solution with one thing done differently."""
    text = texts.get(path, FILES.get(path, ""))
    assert old in text, (path, old, text)
    return {each: data.encode() for each, data in {**texts, path: text.replace(old, new)}.items()}


async def test_every_kind_gives_tasks(shelf: Repository, bubblewrap: Backend) -> None:
    """In real sandboxes: the reference passes, nothing done fails, and a composed task is among them."""
    chosen: dict[str, Candidate] = {}
    for candidate in Refactor().candidates(shelf, Random(2)):
        chosen.setdefault(candidate.kind, candidate)
    assert chosen.keys() == {*KINDS, "composed"}
    async with Validator(shelf, bubblewrap, jobs=2) as validator:
        decisions = await asyncio.gather(*(validator.decide(each) for each in chosen.values()))
    for kind, decision in zip(chosen, decisions, strict=True):
        assert isinstance(decision, Validated), (kind, decision)
        assert any("test_gristmill_refactor" in test for test in decision.fail_to_pass)


def test_the_same_seed_gives_the_same_candidates(shelf: Repository) -> None:
    once, again, other = ([each.id for each in Refactor().candidates(shelf, Random(seed))] for seed in (1, 1, 2))
    assert once == again != other


def test_three_briefs_of_rising_detail_and_none_leaks(shelf: Repository) -> None:
    """`write_instruction` raises where an instruction holds a changed line of the reference."""
    for candidate in Refactor().candidates(shelf, Random(1)):
        assert candidate.reference is not None
        texts = [
            write_instruction(
                "shelf",
                [],
                candidate.reference,
                workdir="/testbed",
                rng=Random(1),
                template=brief.template,
                context=brief.context,
                shows_failures=brief.shows_failures,
            )[0]
            for brief in candidate.briefs
        ]
        assert [brief.name for brief in candidate.briefs] == list(BRIEFS)
        assert len(texts[0]) < len(texts[1]) < len(texts[2])
        assert all(
            each["new_name"] in "".join(texts) for each in candidate.details["refactors"] if each["kind"] == "rename"
        )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Book.visit_cover", "a string is a piece of its name"),
        ("main", "named in configuration"),
        ("Book.__init__", "special name"),
    ],
)
def test_what_is_not_sure_is_left_alone(project: Project, name: str, reason: str) -> None:
    with pytest.raises(NotSure) as left:
        references(project, symbol(project, name))
    assert left.value.reason == reason


def test_references_cross_files_and_tests(project: Project) -> None:
    found = references(project, symbol(project, "total_pages"))
    paths = [file.path for file, _ in found.found]
    assert sorted(set(paths)) == ["shelf/__init__.py", BOOKS, "tests/test_shelf.py"]
    assert paths.count("shelf/__init__.py") == 2, "the import and `__all__`"


def test_new_names_are_free_and_read_naturally(project: Project) -> None:
    names = {new_name("total_pages", "function", project, Random(seed)) for seed in range(9)}
    assert all(is_free(name, project) and "pages" in name for name in names)
    assert not is_free("shorten", project) and not is_free("list", project)


async def test_only_a_whole_rename_passes(shelf: Repository, project: Project, bubblewrap: Backend) -> None:
    whole = plan(project, "rename", "catalogue_line")
    new = whole.new_name
    candidate = candidate_of(project, [whole])
    task = await accepted(candidate, shelf, bubblewrap)
    texts = solved(candidate)
    assert set(texts) == {BOOKS, REPORT} and "tests/test_shelf.py" in candidate.hidden

    async def fails(path: str, old: str, by: str) -> dict[str, str]:
        return await unsolved(task, changed(texts, path, old, by), shelf, bubblewrap)

    assert await unsolved(task, {path: text.encode() for path, text in texts.items()}, shelf, bubblewrap) == {}
    assert await unsolved(task, {}, shelf, bubblewrap), "nothing done"
    assert await unsolved(task, {BOOKS: texts[BOOKS].encode()}, shelf, bubblewrap), "half done"
    assert await fails(BOOKS, "\n\ndef is_thick", f"\n\ncatalogue_line = {new}\n\n\ndef is_thick"), "alias"
    assert await fails(
        BOOKS, "\n\ndef is_thick", f"\n\ndef catalogue_line(*a):\n    return {new}(*a)\n\n\ndef is_thick"
    ), "shim"
    lazy = f"\n\ndef __getattr__(name):\n    return {new} if name == 'catalogue' + '_line' else 1 / 0\n\n\ndef is_thick"
    assert await fails(BOOKS, "\n\ndef is_thick", lazy), "a shim that no text shows"
    assert await fails(REPORT, f"    return [{new}(book, 5", "    return [catalogue_line(book, 5"), (
        "a call that no test runs"
    )
    assert await fails("shelf/__init__.py", "Book, total", f"Book, {new} as catalogue_line, total"), "re-export"
    assert await fails(BOOKS, f"def {new}(book, width, mark)", f"def {new}(book, width, mark, *more)"), (
        "another signature"
    )

    other = REPORT_IN_ANOTHER_STYLE.replace("NEW", new)
    text = texts[BOOKS].replace('"""A line of the catalogue."""', "# Written in another way, and after the next one.")
    first, second = text.index(f"def {new}"), text.index("def is_thick")
    text = text[:first] + text[second:] + "\n\n" + text[first:second]
    written = {BOOKS: text.encode(), REPORT: other.encode()}
    assert await unsolved(task, written, shelf, bubblewrap) == {}, "other imports, another order"


async def test_only_a_whole_move_passes(shelf: Repository, project: Project, bubblewrap: Backend) -> None:
    whole = plan(project, "move", "initials", "words_")
    candidate = candidate_of(project, [whole])
    task = await accepted(candidate, shelf, bubblewrap)
    texts = solved(candidate)
    (new,) = whole.created
    module = new.removesuffix(".py").replace("/", ".")
    assert (
        "import re" not in texts[WORDS]
        and "import re" in texts[new]
        and f"from {module} import initials" in texts[BOOKS]
    )

    async def left(path: str, old: str, by: str) -> dict[str, str]:
        return await unsolved(task, changed(texts, path, old, by), shelf, bubblewrap)

    assert await left(WORDS, "import os.path\n", f"import os.path\n\nfrom {module} import initials\n"), "re-export"
    assert await left(WORDS, "import os.path\n", "import os.path\nimport re\n"), "idle import"
    assert await left(WORDS, "\n\ndef has_list", "\n\ndef initials(title):\n    return 1\n\n\ndef has_list"), (
        "a copy stays"
    )
    assert await left(BOOKS, f"from {module} import initials", "from shelf.words import initials"), "an import stays"
    assert await left(REPORT, ' initials("x")', ' words.initials("x")'), "a use that no test runs"
    stem = module.rpartition(".")[2]
    assert await left(BOOKS, f"from {module} import initials", f"from .{stem} import (\n    initials,\n)") == {}, (
        "relative"
    )


async def test_only_a_whole_change_of_signature_passes(
    shelf: Repository, project: Project, bubblewrap: Backend
) -> None:
    whole = plan(project, "signature", "catalogue_line", "book, width, *, mark")
    candidate = candidate_of(project, [whole])
    task = await accepted(candidate, shelf, bubblewrap)
    texts = solved(candidate)

    async def left(path: str, old: str, by: str) -> dict[str, str]:
        return await unsolved(task, changed(texts, path, old, by), shelf, bubblewrap)

    assert await left(REPORT, '5, mark="-"', '5, "-"'), "a call that no test runs"
    assert await left(REPORT, '5, mark="-"', '5, mark="+"'), "another argument"
    assert await left(BOOKS, "book, width, *, mark", "book, width, *old, mark=None"), "a shim"
    assert await left(REPORT, 'book, 5, mark="-"', "mark='-', width=5, book=book") == {}, "all by keyword"


def test_swapped_parameters_keep_their_defaults(project: Project) -> None:
    swapped = plan(project, "signature", "padded", 'text, fill=" ", width=8')
    assert 'def padded(text, fill=" ", width=8):' in solved(candidate_of(project, [swapped]))[WORDS]


async def test_extracting_and_inlining_leave_nothing(shelf: Repository, project: Project, bubblewrap: Backend) -> None:
    together = [plan(project, "extract", "total_pages"), plan(project, "inline", "is_thick")]
    candidate = candidate_of(project, together)
    assert candidate.kind == "composed" and len(candidate.places) == 2
    task = await accepted(candidate, shelf, bubblewrap)
    texts = solved(candidate)
    assert "is_thick" not in "".join(texts.values())
    kept = changed(texts, BOOKS, '"""Books."""\n', '"""Books."""\n\nis_thick = None\n')
    assert await unsolved(task, kept, shelf, bubblewrap)
    clean = FILES[BOOKS][FILES[BOOKS].index("def total_pages") : FILES[BOOKS].index("def catalogue_line")]
    start = texts[BOOKS].index("def total_pages")
    both = texts[BOOKS].replace(texts[BOOKS][start : texts[BOOKS].index("def catalogue_line")], clean)
    assert await unsolved(task, {**changed(texts, REPORT, "x", "x"), BOOKS: both.encode()}, shelf, bubblewrap), (
        "not called"
    )


@pytest.mark.parametrize(
    ("module", "way", "old", "new"),
    [
        (
            "shelf.books",
            "percent_formats",
            '"%s%s %s (%r)" % (mark, text, code, days)',
            'f"{mark!s}{text!s} {code!s} ({days!r})"',
        ),
        ("shelf.books", "generic_types", "List[Book]", "list[Book]"),
        ("shelf.words", "path_questions", "os.path.exists(path)", "Path(path).exists()"),
    ],
)
async def test_old_ways_of_the_standard_library(
    shelf: Repository, project: Project, bubblewrap: Backend, module: str, way: str, old: str, new: str
) -> None:
    candidate = candidate_of(project, [plan(project, "modernise", f"{module} ({way})")])
    task = await accepted(candidate, shelf, bubblewrap)
    ((path, text),) = solved(candidate).items()
    assert old in FILES[path] and old not in text and new in text
    if way == "percent_formats":
        other = changed({path: text}, path, new, "f'{mark}{text}' f' {code} ({days!r})'")
        assert await unsolved(task, other, shelf, bubblewrap) == {}, "another way to write it"
        assert await unsolved(task, changed({path: text}, path, "({days!r})", "({days!r}) "), shelf, bubblewrap)
    else:
        idle = b"from typing import List\n" if way == "generic_types" else b"import os.path\n"
        start, _, rest = text.encode().partition(b"import")
        assert await unsolved(task, {path: start + idle + b"import" + rest}, shelf, bubblewrap), "idle import"


@pytest.mark.slow
async def test_refactors_of_a_real_package(session_cache: Path, bubblewrap: Backend) -> None:
    """Of sqlparse's first candidates, one of each kind that it gives and more, at least nine in ten are tasks."""
    source = fetch_source("pypi:sqlparse==0.6.1", cache=session_cache)
    repository = await prepare_repository(source, bubblewrap, cache=session_cache)
    chosen = list(islice(Refactor().candidates(repository, Random(3)), 20))
    async with Validator(repository, bubblewrap, jobs=2) as validator:
        decisions = await asyncio.gather(*(validator.decide(each) for each in chosen))
    refused = [each for each in decisions if not isinstance(each, Validated)]
    assert len({each.kind for each in chosen}) >= 6
    assert len(refused) <= 2, refused
