"""A pipeline file is checked before anything runs; each problem is named with file, line and field."""

from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.requests import load_pipeline


def write(folder: Path, text: str) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(text)
    return file


def test_a_whole_pipeline_is_read(tmp_path: Path) -> None:
    request = load_pipeline(
        write(
            tmp_path,
            """
generate: {source: "pypi:sqlparse==0.6.1", out: suite, n: 12}
rollout:
  - agent: oracle
  - {agent: react, model: local, attempts: 4}
export:
  - {to: trl, out: export, where: "agent = 'react'"}
  - {to: trl, out: negatives, attempts: only, include_findings: true}
jobs: 2
""",
        )
    )
    assert request.generate.n == 12
    assert [agent.attempts for agent in request.rollout] == [1, 4]
    assert request.export[0].out == Path("export")
    assert (request.export[0].attempts, request.export[0].include_findings) == ("exclude", False)
    assert (request.export[1].attempts, request.export[1].include_findings) == ("only", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("generate:\n  source: x\n  out: y\n  n: zero\n", ":4: generate.n: Input should be a valid integer"),
        ("generate:\n  source: x\n", ":2: generate.out: Field required"),
        ("generate: {source: x, out: y}\nrollouts: []\n", ":2: rollouts: Extra inputs are not permitted"),
        ("generate: {source: x, out: y}\nrollout:\n  - agent: nop\n  - model: m\n", ":4: rollout.1.agent: Field"),
        (
            "generate: {source: x, out: y}\nexport:\n  - {out: z, attempts: some}\n",
            ":3: export.0.attempts: Input should be 'exclude', 'include' or 'only'",
        ),
        ("- a\n- b\n", "expected a mapping"),
        ("generate: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_field(tmp_path: Path, text: str, expected: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_pipeline(file)
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_pipeline(tmp_path / "nowhere.yaml")
