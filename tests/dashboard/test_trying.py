"""A template is tried on a page: the real sandbox runs what is handed in, the real verifier judges it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agents.agent import Session
from dashboard.trying import Trial, create_app
from environments import Backend
from tasks.templates import Template
from tests.tasks.templates.making import SUM, replaced, written


class Adder:
    """Adds what stands in numbers.txt."""

    name = "adder"
    version = "1"

    async def act(self, session: Session) -> None:
        await session.call("bash", {"command": "read a b < numbers.txt; echo $((a + b)) > answer.txt"})
        await session.call("submit", {})


@pytest.fixture
def template(tmp_path: Path) -> Template:
    return written(tmp_path / "sum", SUM)


@pytest.fixture
async def page(
    template: Template, bubblewrap: Backend, session_cache: Path, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    trial = Trial(template, bubblewrap, cache=session_cache, scratch=tmp_path, seed=3, agent=Adder())
    transport = httpx.ASGITransport(app=create_app(trial))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", follow_redirects=True) as client:
        yield client


async def handed_in(page: httpx.AsyncClient, index: int = 0, **form: str) -> httpx.Response:
    shown = await page.get(f"/{index}")
    found = re.search(r'name="token" value="([^"]+)"', shown.text)
    assert found
    return await page.post(f"/{index}", data={"token": found[1], **form})


def addends(text: str) -> tuple[int, int]:
    found = re.search(r"Write (\d+) \+ (\d+) into", text)
    assert found, text
    return int(found[1]), int(found[2])


async def test_the_page_shows_instruction_files_and_where_the_answer_goes(page: httpx.AsyncClient) -> None:
    shown = await page.get("/")
    a, b = addends(shown.text)
    assert f"{a} {b}" in shown.text.split("numbers.txt", 1)[1]
    assert 'value="answer.txt"' in shown.text
    assert str(a + b) not in re.sub(r'value="[^"]*"', "", shown.text)


async def test_the_right_answer_is_solved_and_a_wrong_one_is_not(page: httpx.AsyncClient) -> None:
    a, b = addends((await page.get("/0")).text)
    right = await handed_in(page, path="answer.txt", content=f"{a + b}\n")
    assert "Solved: reward 1" in right.text
    wrong = await handed_in(page, path="answer.txt", content=f"{a + b + 1}\n")
    assert "Not solved: reward 0" in wrong.text


async def test_commands_run_in_the_sandbox_and_their_output_is_shown(page: httpx.AsyncClient) -> None:
    done = await handed_in(
        page, script="read a b < numbers.txt; echo $((a+b)) > answer.txt; echo in $PWD; ls /root; exit 0"
    )
    assert "Solved" in done.text
    assert "in /workspace" in done.text


async def test_an_agent_may_try_it(page: httpx.AsyncClient) -> None:
    done = await handed_in(page, who="agent")
    assert "Solved: reward 1" in done.text
    assert "Ended: submitted" in done.text


async def test_a_form_of_another_page_is_refused(page: httpx.AsyncClient) -> None:
    refused = await page.post("/0", data={"token": "guessed", "script": "touch /workspace/x"})
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.txt"])
async def test_a_path_outside_is_told(page: httpx.AsyncClient, path: str) -> None:
    told = await handed_in(page, path=path, content="x")
    assert told.status_code == 422
    assert "no path below the working directory" in told.text


async def test_what_a_command_prints_is_text(page: httpx.AsyncClient) -> None:
    done = await handed_in(page, script="echo '<script>alert(1)</script>'")
    assert "<script>" not in done.text
    assert "default-src 'none'" in done.headers["content-security-policy"]


async def test_a_broken_template_names_its_line(bubblewrap: Backend, session_cache: Path, tmp_path: Path) -> None:
    broken = written(tmp_path / "sum", replaced(SUM, {"{'value': a + b}": "{'value': (a + b) / (a - a)}"}))
    app = create_app(Trial(broken, bubblewrap, cache=session_cache, scratch=tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        told = await client.get("/0")
    assert told.status_code == 422
    assert "template.yaml:14" in told.text and "grading_from" in told.text


async def test_phrasings_and_reference_can_be_looked_at(page: httpx.AsyncClient) -> None:
    brief = await page.get("/1?phrasing=brief")
    assert "-&gt; answer.txt" in brief.text
    a, b = addends((await page.get("/1")).text)
    reference = await page.get("/1?reference=true")
    assert f"<pre>{a + b}" in reference.text
