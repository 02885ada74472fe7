"""A suite made with a model: its bugs, its issue reports, what they cost, and the same bytes a second time."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from environments import Backend
from tasks.generate import GenerateResult, generate
from tasks.lm import LmConfig
from tasks.repository import Repository
from tasks.suite import open_suite
from tests.agents.openai_server import ScriptedServer, says, serving

BUG = """\
```python
def clamp(value, low, high):
    if low > high:
        raise ValueError("low is above high")
    if value <= low:
        return high
    if value > high:
        return high
    return value
```"""
REPORT = """\
# clamp is wrong at the lower limit

I called `clamp(-5, 0, 10)` in my program. I expected 0, the lower limit, and what came back was 10.
"""


async def test_a_suite_of_a_models_bugs_and_reports(
    tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path
) -> None:
    scripts: list[ScriptedServer] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        """A bug where one is asked for, a report where one is asked for."""
        prompt = scripts[0].requests[-1]["messages"][0]["content"]
        says(BUG if "def clamp" in prompt else REPORT if "issue report" in prompt else "no")(handler)

    async def make(out: Path, url: str) -> GenerateResult:
        lm = LmConfig(base_url=url, model="m", tries=2, price_prompt=1.0, answers=tmp_path / "answers", at_once=1)
        return await generate(
            tiny_repository,
            bubblewrap,
            out=out,
            n=1,
            seed=1,
            generators=["lm_modify"],
            cache=tiny_repository.cache,
            jobs=2,
            lm=lm,
        )

    with serving(answer) as (script, url):
        scripts.append(script)
        first = await make(tmp_path / "one", url)
    second = await make(tmp_path / "two", url)  # the server is gone: all from kept answers
    assert first.accepted == 1
    assert first.suite_hash == second.suite_hash
    (task,) = open_suite(tmp_path / "one", cache=tiny_repository.cache).tasks()
    assert task.instruction.startswith("# clamp is wrong at the lower limit")
    details = task.provenance.details
    assert (details["model"], details["cost_usd"]) == ("m", 0.0001)
    assert details["issue"]["cost_usd"] == 0.0001 and "refused" not in details["issue"]
    manifest = json.loads((tmp_path / "one" / "suite.json").read_text())
    assert manifest["provenance"]["request"]["model"] == "m"
