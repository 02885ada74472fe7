"""A page after an agent's steps: subtasks in order, of what is seen and what the site holds; no forged steps."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from environments import Backend, Limits, Mount, SandboxSpec, Service, running
from tasks.graders import CannotGrade, Grade, get_grader, read_data
from tasks.graders._inside.browse.engine import CannotBrowse, StepFailed, find_executable
from tasks.graders._inside.browse.steps import address, problem_of
from tasks.graders._page_checks import Moment, Tables, holds, misfit
from tasks.verifiers.graded import SandboxWork

SECRET = "a83f0c"
TEXTS = "select text from notes order by id"
DATA = {
    "subtasks": [
        {"name": "first note", "checks": [{"sql": TEXTS, "equals": [["milk red"]]}]},
        {"name": "both notes", "checks": [{"sql": TEXTS, "equals": [["milk red"], ["bread blue 2026-03-04 on"]]}]},
        {"name": "second page", "checks": [{"path": "/second"}, {"text": "second PAGE"}], "when": "end"},
    ],
    "keep": [{"name": "no more notes", "sql": "select count(*) <= 2 from notes", "equals": 1}],
    "restart": "/hidden/restart",
    "state": f"/hidden/{SECRET}",
    "refused": ["/hidden/"],
    "time_limit_sec": 30,
}
MILK = [{"do": "fill", "on": "Note", "text": "milk"}, {"do": "click", "on": "Add"}]
BREAD = [
    {"do": "fill", "on": "note", "text": "bread"},
    {"do": "select", "on": "Colour", "option": "blue"},
    {"do": "check", "on": "Loud"},
    {"do": "fill", "on": "Due", "text": "2026-03-04"},
    {"do": "press", "key": "Enter"},
]
NEXT = {"do": "click", "on": "Next"}
GradePage = Callable[..., Awaitable[Grade]]


@pytest.fixture
async def graded(bubblewrap: Backend, tmp_path: Path):
    """`await graded(steps, field=value, …)`: the grade by DATA with those fields, in one sandbox with the notes."""
    try:
        find_executable()
    except CannotBrowse as error:
        pytest.skip(str(error))
    (tmp_path / "secret").write_text(SECRET)
    site = Service(name="notes", program=Path(__file__).with_name("notes_site.py"), data=tmp_path / "secret")
    spec = SandboxSpec(services=(site,), limits=Limits(cpus=2))
    async with running(bubblewrap, spec) as sandbox:

        async def grade(steps: Any, **fields: Any) -> Grade:
            grader, work = get_grader("page"), SandboxWork(sandbox)
            content = steps if isinstance(steps, bytes) else json.dumps(steps).encode()
            await work.put({"actions.json": content})
            return await grader.grade(work, read_data(grader, {**DATA, **fields}))

        yield grade


def outcomes(grade: Grade) -> list[bool]:
    return [part.passed for part in grade.parts]


async def test_the_whole_chain_and_parts_of_it(graded: GradePage):
    whole = await graded([*MILK, *BREAD, NEXT])
    assert whole.reward == 1.0, whole
    assert "8 of 8 steps were done; 3 of 3 subtasks" in whole.evidence
    half = await graded([*MILK, NEXT])  # the last one is reached, but the chain is broken before it
    assert (half.reward, outcomes(half)) == (1 / 3, [True, False, True, True])
    assert "[['milk red']]" in half.parts[1].detail
    spoiled = await graded([*MILK, *BREAD, *MILK, NEXT])
    assert (spoiled.reward, outcomes(spoiled)) == (0.5, [True, True, True, False])


async def test_a_replay_that_breaks_off_is_graded_as_far_as_it_got(graded: GradePage):
    grade = await graded([*MILK, {"do": "click", "on": "Nowhere"}, *BREAD, NEXT])
    assert (grade.reward, outcomes(grade)) == (1 / 3, [True, False, False, True])
    assert (
        'step 3 (click): nothing on the page is called "Nowhere"; there are: Delete | Note | Colour' in grade.evidence
    )


@pytest.mark.parametrize(
    "step, why",
    [
        ({"do": "goto", "path": f"/hidden/{SECRET}"}, "not for visitors"),
        ({"do": "click", "on": "Secret"}, "it leads to a page that is not for visitors"),
        ({"do": "click", "on": "Away"}, "it leads to "),
        ({"do": "click", "on": "Broken"}, '"Broken" is disabled'),
        ({"do": "select", "on": "Colour", "option": "gold"}, "is disabled"),
        ({"do": "fill", "on": "Due", "text": "soon"}, "takes no date"),
        ({"do": "back"}, "no page to go back to"),
        ({"do": "wait_for", "text": "Here I am"}, "did not appear"),
    ],
)
@pytest.mark.slow
async def test_steps_that_cannot_be_done(graded: GradePage, step: dict[str, Any], why: str):
    grade = await graded([step])
    assert grade.reward == 0.0
    assert why in grade.evidence


async def test_what_a_page_does_by_itself(graded: GradePage):
    """Text that comes later is waited for, a question of the page is answered by no, what is covered is not reached."""
    later = [{"do": "click", "on": "Show later"}, {"do": "wait_for", "text": "here i am"}, {"do": "click", "on": "Ask"}]
    both = [*MILK, *MILK, {"do": "click", "css": "li:nth-child(2) button"}]
    ways = [*both, *later, {"do": "click", "on": "Cover"}, NEXT]
    seen = [
        {"text": "Here I am"},
        {"field": "Colour", "value": "red"},
        {"sql": "select count(*) from notes", "equals": 2},
    ]
    grade = await graded(ways, subtasks=[{"name": "seen", "checks": seen}])
    assert grade.reward == 1.0, grade
    assert '"Next" is covered by something else' in grade.evidence
    assert "step 10 (click)" in grade.evidence


async def test_which_of_several_controls(graded: GradePage):
    """The name alone does not say which; a text of its row, or a number, does."""
    two = [*MILK, *BREAD]
    unclear = await graded([*two, {"do": "click", "on": "Delete"}])
    assert 'is ambiguous, 2 are on the page; say "in"' in unclear.evidence
    clear = await graded(
        [*two, {"do": "click", "on": "Delete", "in": "bread"}, {"do": "click", "on": "Delete", "nth": 2}]
    )
    assert "9 of 9 steps were done" in clear.evidence


async def test_a_site_or_check_that_does_not_work_is_nobodys_failure(graded: GradePage):
    with pytest.raises(CannotGrade, match="the site does not answer /hidden"):
        await graded(MILK, state="/hidden/other")
    with pytest.raises(CannotGrade, match="a check's SQL: no such table: orders"):
        await graded(MILK, keep=[{"name": "orders", "sql": "select * from orders", "unchanged": True}])


async def test_a_chromium_that_does_not_start_is_nobodys_failure(bubblewrap: Backend, tmp_path: Path):
    """Its start script is there, its program is not."""
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Debian's chromium is not installed; install it: apt-get install -y chromium")
    spec = SandboxSpec(mounts=(Mount(source=tmp_path, target="/usr/lib/chromium"),))
    async with running(bubblewrap, spec) as sandbox:
        work, grader = SandboxWork(sandbox), get_grader("page")
        await work.put({"actions.json": json.dumps(MILK).encode()})
        with pytest.raises(CannotGrade, match="Chromium"):
            await grader.grade(work, read_data(grader, {**DATA, "restart": "", "state": ""}))


def test_no_chromium_at_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CannotBrowse, match="not installed here; install it: apt-get install -y chromium"):
        find_executable()


class OnlyFile:
    """A sandbox that holds one file, and runs nothing."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content

    async def read(self, path: str, *, max_bytes: int = 0) -> bytes | None:
        return self.content


@pytest.mark.parametrize(
    "content, why",
    [
        (None, "there is no actions.json"),
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "has no steps"),
        (b"{}", "must be a JSON list"),
        (b"[1]", "step 1: must be an object"),
        (json.dumps([{"do": "press", "key": "Enter"}] * 201).encode(), "has 201 steps; at most 200"),
        (b'[{"do": "back", "\\ud800": 1}]', 'step 1: "back" takes no "?"'),
        (b'[{"do": "evaluate", "script": "1"}]', '"do" must be one of: goto, click'),
    ],
)
async def test_what_is_no_list_of_steps(content: bytes | None, why: str):
    grader = get_grader("page")
    grade = await grader.grade(OnlyFile(content), read_data(grader, DATA))  # type: ignore[arg-type]
    assert grade.reward == 0.0
    assert why in grade.parts[0].detail
    grade.parts[0].detail.encode()


@pytest.mark.parametrize(
    "step, why",
    [
        ({"do": ["click"]}, '"do" must be one of'),
        ({"do": "click"}, 'needs "on"'),
        ({"do": "click", "on": " "}, "not an empty text"),
        ({"do": "click", "on": "a", "css": "b"}, "one of them"),
        ({"do": "click", "on": "a", "nth": 0}, "counts from 1"),
        ({"do": "click", "on": "a", "nth": True}, "a whole number"),
        ({"do": "click", "on": "a", "kind": "window"}, '"kind" must be one of'),
        ({"do": "fill", "on": "a"}, 'needs "text"'),
        ({"do": "fill", "on": "a", "text": "\ud800"}, "half a letter"),
        ({"do": "fill", "on": "a", "text": "x" * 6000}, "more than 5000"),
        ({"do": "press", "key": "Control+L"}, '"key" must be one of'),
    ],
)
def test_steps_of_a_wrong_form(step: dict[str, Any], why: str):
    assert why in (problem_of(step) or "")


@pytest.mark.parametrize(
    "path",
    [
        "javascript:alert(1)",
        "https://example.org/",
        "//example.org/",
        "/\\example.org",
        "cart",
        "",
        "/a\nb",
        "/hidden/x",
        "/%68idden/x",
        "/a/../hidden/x",
        "/a/%2e%2e/hidden/x",
        "//hidden/x",
        "/./hidden/x",
    ],
)
def test_paths_that_no_step_may_go_to(path: str):
    with pytest.raises(StepFailed):
        address("http://127.0.0.1:8000", path, ["/hidden/"])


def test_paths_of_the_site():
    assert address("http://127.0.0.1:8000", "/search?q=a/../b", ["/hidden/"]) == "http://127.0.0.1:8000/search?q=a/../b"


def test_checks_of_a_moment():
    first = Moment("http://h/", "", {}, Tables({"n": {"columns": ["a", "b"], "rows": [[1, "x"]]}}))
    now = Moment("http://h/a?q=1&p=", "Some  text", {"Name": "Ada"}, Tables({"n": {"columns": ["a", "b"], "rows": []}}))
    true = [{"path": "/[a-c]"}, {"query": {"q": "1", "z": ""}}, {"text": "SOME text"}, {"no_text": "other"}]
    true += [{"field": "Name", "value": "Ada"}, {"sql": "select count(*) from n", "equals": 0}]
    true += [{"sql": "select a, b from n", "equals": []}, {"sql": "select max(a) from n", "equals": None}]
    false = [{"path": "/"}, {"path": "a"}, {"query": {"q": "2"}}, {"text": "texts"}, {"no_text": "text"}]
    false += [{"field": "Name", "value": "Bea"}, {"field": "Age", "value": "1"}]
    false += [{"sql": "select a from n", "unchanged": True}, {"sql": "select count(*) from n", "equals": "0"}]
    assert [check for check in true if misfit(check) or not holds(check, now, first)] == []
    assert [check for check in false if misfit(check) or holds(check, now, first)] == []


@pytest.mark.parametrize(
    "check, why",
    [
        ([], "must be an object"),
        ({}, "and has none"),
        ({"path": "/", "text": "a"}, "and has path, text"),
        ({"text": "a", "equals": 1}, "text does not go with 'equals'"),
        ({"sql": "select 1"}, "needs equals or unchanged"),
        ({"sql": "select 1", "unchanged": False}, "can only be true"),
        ({"path": "("}, "no regular expression"),
        ({"query": "a"}, "must be an object"),
    ],
)
def test_checks_of_a_wrong_form(check: Any, why: str):
    assert why in misfit(check)
