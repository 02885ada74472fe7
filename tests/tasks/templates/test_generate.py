"""Suites from templates: validated, the same bytes for the same seed, gone on with after a kill, honest about less."""

import asyncio
import json
import multiprocessing
from pathlib import Path

import pytest

from environments import Backend, EnvironmentFault, Sandbox, SandboxSpec
from tasks.errors import BadTaskFolder, BadTemplate, VerifierFault
from tasks.revalidate import validate_suite
from tasks.suite import open_suite, prepare_suite
from tasks.templates import Template, draw, load_template
from tasks.templates.generate import TemplatesResult, generate_templates
from tasks.templates.lock import only_writer
from tasks.templates.validation import Refused, try_template

from .making import SUM, replaced, sum_template, written

SHOP = Path(__file__).with_name("shop") / "shop_revenue.yaml"


async def make(
    out: Path, cache: Path, backend: Backend, *groups: list[Template], n: int = 6, phrasing: str = "", jobs: int = 2
) -> TemplatesResult:
    return await generate_templates(groups, backend, out=out, n=n, seed=7, phrasing=phrasing, cache=cache, jobs=jobs)


async def test_a_suite_of_one_template(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    result = await make(tmp_path / "one", session_cache, bubblewrap, [load_template(SHOP)])
    suite = open_suite(tmp_path / "one", cache=session_cache)
    assert result.accepted == len(suite.task_ids()) == 6
    (row,) = result.yields
    assert row.generator == "shop_revenue" and row.accepted == 6

    again = await make(tmp_path / "two", session_cache, bubblewrap, [load_template(SHOP)], jobs=1)
    assert again.suite_hash == result.suite_hash, "the same seed gives the same bytes, one or two at a time"
    assert (tmp_path / "one/suite.json").read_text().replace('"one"', "") == (
        tmp_path / "two/suite.json"
    ).read_text().replace('"two"', "")

    await prepare_suite(suite, bubblewrap, cache=session_cache)
    checks = await validate_suite(suite, bubblewrap, jobs=2)
    assert all(check.is_valid and not check.findings for check in checks), checks


async def test_the_taxonomy_is_covered_and_said_so(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    result = await make(tmp_path / "s", session_cache, bubblewrap, [load_template(SHOP)], n=3)
    (covered,) = result.coverage
    assert (covered.parameter, covered.leaves, covered.nodes) == ("topic", 4, 6)
    assert covered.leaves_covered + len(covered.missing) == 4
    assert covered.counts.get("food", 0) + covered.counts.get("tools", 0) == 3
    kept = json.loads((tmp_path / "s" / "suite.json").read_text())["provenance"]["result"]["coverage"]
    assert kept[0]["counts"] == covered.counts


async def test_a_family_is_shared_over_its_templates(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    """The second template has two instances in all; the others give what it lacks."""
    first = sum_template(tmp_path / "a")
    second = sum_template(
        tmp_path / "b", **{"name: sum": "name: two", "[1, 40]}\n  b: {range: [1, 40]}": "[1, 2]}\n  b: {value: 1}"}
    )
    third = sum_template(tmp_path / "c", **{"name: sum": "name: other"})
    result = await make(tmp_path / "s", session_cache, bubblewrap, [first, second, third], [load_template(SHOP)], n=10)
    assert {row.generator: row.accepted for row in result.yields} == {
        "sum": 4, "two": 2, "other": 4, "shop_revenue": 10,
    }  # fmt: skip
    assert set(result.ended) == {"two"} and "about 2 distinct instances" in result.ended["two"]


async def test_phrasings_of_one_instance(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    result = await make(tmp_path / "s", session_cache, bubblewrap, [sum_template(tmp_path)], n=5, phrasing="all")
    assert result.accepted == 5, "-n counts tasks"
    tasks = list(open_suite(tmp_path / "s", cache=session_cache).tasks())
    details = [task.provenance.details for task in tasks]
    assert {each["phrasing"] for each in details} == {"plain", "brief"}
    assert len({each["instance"] for each in details}) == 3


async def test_a_template_that_ends_says_why(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    template = sum_template(tmp_path / "t", **{"[1, 40]}\n  b: {range: [1, 40]}": "[1, 3]}\n  b: {value: 1}"})
    result = await make(tmp_path / "s", session_cache, bubblewrap, [template], n=9)
    assert result.accepted == 3
    assert result.ended["sum"].startswith("200 draws in a row gave nothing new")


REFUSED = {
    "the reference fails": {"{'value': a + b}": "{'value': a + b + 1}"},
    "doing nothing passes": {
        "environment:\n  files:\n": "environment:\n  files:\n    answer.txt: {text: '{{ a + b }}'}\n",
        'answer.txt: {text: "{{ a + b }}\\n"}': 'answer.txt: {text: "{{ a + b }}.0\\n"}',
    },
    "a decoy passes": {"(a * b + 1000)": "(a + b)"},
    "the reference changes nothing": {
        'files: {answer.txt: {text: "{{ a + b }}\\n"}}': "script: 'echo trouble >&2; exit 3'"
    },
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_what_is_no_task_is_refused(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend, reason: str
) -> None:
    template = sum_template(tmp_path / "t", **REFUSED[reason])
    for _, decided in await try_template(template, bubblewrap, n=2, cache=session_cache):
        assert isinstance(decided, Refused) and decided.reason == reason, decided
    if "script" in str(REFUSED[reason]):
        assert "exit code 3: trouble" in decided.detail


async def test_an_answer_that_lies_open_is_refused(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    answer = "".join(f"client number {number},{number * 17}\\n" for number in range(8))
    changes = {
        "grader: numeric": "grader: answer",
        "grading_from: \"{'value': a + b}\"": f'grading: {{one_line: false, answers: ["{answer}"]}}',
        'answer.txt: {text: "{{ a + b }}\\n"}': f'answer.txt: {{text: "{answer}"}}',
    }
    open_ = {**changes, "    numbers.txt:": f'    old/backup.txt: {{text: "head\\n{answer}tail"}}\n    numbers.txt:'}
    ((_, decided),) = await try_template(sum_template(tmp_path / "b", **open_), bubblewrap, n=1, cache=session_cache)
    assert decided == Refused("the answer lies open", "old/backup.txt holds all of answer.txt")


async def test_a_solution_may_be_a_script(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    script = "script: |\n    read a b < numbers.txt\n    echo $((a + b)) > answer.txt"
    template = sum_template(tmp_path, **{'files: {answer.txt: {text: "{{ a + b }}\\n"}}': script})
    ((instance, decided),) = await try_template(template, bubblewrap, n=1, cache=session_cache)
    assert not isinstance(decided, Refused), decided
    assert decided["solution/files/answer.txt"].decode().strip() == str(instance.grading["value"])


async def test_when_everything_is_refused_it_stops(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.templates.generate.MOST_REFUSED", 5)
    template = sum_template(tmp_path / "t", **REFUSED["a decoy passes"])
    result = await make(tmp_path / "s", session_cache, bubblewrap, [template], n=5)
    assert result.accepted == 0
    assert result.ended["sum"] == "5 instances in a row were refused (a decoy passes 5)"
    lines = (tmp_path / "s" / "rejections.jsonl").read_text().splitlines()
    assert len(lines) == 5 and json.loads(lines[0])["reason"] == "a decoy passes"


class Flaky:
    """A backend that loses some sandboxes, or all."""

    name = "flaky"

    def __init__(self, backend: Backend, *, loses_all: bool = False) -> None:
        self._backend, self._loses_all, self._started = backend, loses_all, 0

    def missing(self) -> list[str]:
        return []

    async def start(self, spec: SandboxSpec) -> Sandbox:
        self._started += 1
        if self._loses_all or self._started in (1, 4):
            raise EnvironmentFault("the machine has lost it")
        return await self._backend.start(spec)

    async def sweep(self) -> int:
        return 0


async def test_what_a_machine_loses_is_tried_again(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    result = await make(tmp_path / "s", session_cache, Flaky(bubblewrap), [sum_template(tmp_path)], n=3, jobs=1)
    assert result.accepted == 3 and result.yields[0].rejections == {}
    with pytest.raises(VerifierFault, match=r"sum-.*: the verifier failed: the machine has lost it"):
        await make(tmp_path / "t", session_cache, Flaky(bubblewrap, loses_all=True), [sum_template(tmp_path)], n=3)


async def test_killed_and_started_again(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    whole = await make(tmp_path / "whole", session_cache, bubblewrap, [load_template(SHOP)], n=8)

    class Killed(BaseException):
        pass

    def kill_after_three(progress: object) -> None:
        if getattr(progress, "accepted", 0) >= 3:
            raise Killed

    out = tmp_path / "half"
    with pytest.raises(Killed):
        await generate_templates(
            [[load_template(SHOP)]], bubblewrap, out=out, n=8, seed=7, cache=session_cache, jobs=2,
            on_progress=kill_after_three,
        )  # fmt: skip
    there = {path.name: path.stat().st_mtime_ns for path in (out / "tasks").iterdir()}
    assert len(there) == 3 and not (out / "suite.json").is_file()
    result = await make(out, session_cache, bubblewrap, [load_template(SHOP)], n=8)
    assert result.suite_hash == whole.suite_hash
    assert {name: (out / "tasks" / name).stat().st_mtime_ns for name in there} == there, "nothing was made twice"
    assert not (out / ".journal").exists()
    assert await make(out, session_cache, bubblewrap, [load_template(SHOP)], n=8) == result, (
        "and once whole, it is told"
    )
    with pytest.raises(BadTaskFolder, match="made from something else; give another --out"):
        await make(out, session_cache, bubblewrap, [load_template(SHOP)], n=9)


async def test_a_template_can_be_mended_between_two_calls(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend
) -> None:
    broken = sum_template(tmp_path, **{"{'value': a + b}": "{'value': a.x}"})
    with pytest.raises(BadTemplate, match=r"template\.yaml:14: grading_from"):
        await make(tmp_path / "s", session_cache, bubblewrap, [broken])
    assert (await make(tmp_path / "s", session_cache, bubblewrap, [sum_template(tmp_path)], n=2)).accepted == 2


async def test_two_templates_of_one_name(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    with pytest.raises(BadTemplate, match=r"b/template\.yaml:1: name: .*a/template\.yaml has the same name"):
        await make(
            tmp_path / "s", session_cache, bubblewrap, [sum_template(tmp_path / "a"), sum_template(tmp_path / "b")]
        )


def _write_for_a_while(out: Path, has_begun: "multiprocessing.synchronize.Event") -> None:
    with only_writer(out):
        has_begun.set()
        asyncio.run(asyncio.sleep(30))


async def test_two_writers_of_one_suite(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    spawn = multiprocessing.get_context("fork")
    has_begun = spawn.Event()
    other = spawn.Process(target=_write_for_a_while, args=(tmp_path / "s", has_begun))
    other.start()
    try:
        assert has_begun.wait(20)
        with pytest.raises(BadTaskFolder, match="another run is writing this suite"):
            await make(tmp_path / "s", session_cache, bubblewrap, [sum_template(tmp_path)])
    finally:
        other.kill()
        other.join(10)
    assert (await make(tmp_path / "s", session_cache, bubblewrap, [sum_template(tmp_path)], n=1)).accepted == 1


SERVED = replaced(
    SUM,
    {
        "environment:\n  files:\n": "environment:\n  services:\n"
        "    - {name: adder, program: server.py, data: '[a, b]', ready: /ok}\n  files:\n",
        'files: {answer.txt: {text: "{{ a + b }}\\n"}}': "script: |\n"
        '    python3 -c "import urllib.request as r; '
        "print(r.urlopen('http://127.0.0.1:8000/sum').read().decode())\" > answer.txt",
    },
)
SERVER = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(sum(json.loads(DATA))).encode() if self.path == "/sum" else b"ok")

    def log_message(self, *arguments):
        pass

ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""


async def test_services_serve_the_solution(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    template = written(tmp_path / "t", SERVED, server__py=SERVER)
    result = await make(tmp_path / "s", session_cache, bubblewrap, [template], n=2)
    assert result.accepted == 2
    suite = open_suite(tmp_path / "s", cache=session_cache)
    checks = await validate_suite(suite, bubblewrap, jobs=2)
    assert all(check.is_valid for check in checks), checks
    (task, _) = suite.tasks()
    assert task.agent_spec.services[0].name == "adder"
    assert (task.folder / "environment/services/adder.data").read_text().startswith("[")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("def broken(:\n", r"template\.yaml:11: environment\.services\.0\.program: server\.py:1: is no valid Python"),
        (None, r"template\.yaml:11: environment\.services\.0\.program: there is no file"),
    ],
)
def test_a_wrong_service_names_its_line(tmp_path: Path, program: str | None, told: str) -> None:
    with pytest.raises(BadTemplate, match=told):
        written(tmp_path, SERVED, **({"server__py": program} if program else {}))


@pytest.mark.slow
async def test_packages_are_there_for_the_agent_and_the_grader(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend
) -> None:
    script = 'script: |\n    python -c "import tabulate; print({{ a }} + {{ b }})" > answer.txt'
    template = sum_template(
        tmp_path / "t",
        **{
            "environment:\n": "environment:\n  packages: ['tabulate==0.9.0']\n",
            'files: {answer.txt: {text: "{{ a + b }}\\n"}}': script,
        },
    )
    result = await make(tmp_path / "s", session_cache, bubblewrap, [template], n=2)
    assert result.accepted == 2
    suite = open_suite(tmp_path / "s", cache=tmp_path / "fresh")
    await prepare_suite(suite, bubblewrap, cache=tmp_path / "fresh")
    assert all(check.is_valid for check in await validate_suite(suite, bubblewrap, jobs=1))
    folder = next(iter(suite.folders.values()))
    assert (folder / "environment/requirements.txt").read_text() == "tabulate==0.9.0\n"


@pytest.mark.slow
async def test_packages_that_are_not_there_name_their_line(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend
) -> None:
    template = sum_template(tmp_path / "t", **{"environment:\n": "environment:\n  packages: ['tabulate==99.9']\n"})
    with pytest.raises(BadTemplate, match=r"template\.yaml:10: environment\.packages: cannot be had: .*tabulate"):
        await make(tmp_path / "s", session_cache, bubblewrap, [template], n=1)


def test_kinship_is_one_draw(tmp_path: Path) -> None:
    template = sum_template(tmp_path)
    kin = {each.kinship for index in range(20) for each in draw(template, 1, index, phrasing="all")}
    ids = {each.id for index in range(20) for each in draw(template, 1, index, phrasing="all")}
    assert len(ids) == 2 * len(kin)
