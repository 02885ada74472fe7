"""What the viewer shows of a rollout, without a browser."""

from pathlib import Path

from dashboard.aligning import aligned, first_difference
from dashboard.difflines import diff_lines, files_of, looks_like_diff
from dashboard.standalone import standalone
from dashboard.viewing import BARS, View, Views
from tests.dashboard.making import DIFF, HOSTILE, agent_step, hostile_rollout, long_rollout, rollout_of
from tests.trajectories.conftest import make_rollout
from trajectories.atif import Observation, ObservationResult
from trajectories.store import open_store


def test_totals_and_times_run_along() -> None:
    view = View(long_rollout("t", 4))
    (last,) = view.page(3)
    assert (last.step_id, last.total_tokens, last.total_cost_usd) == (4, 330, 0.75)
    assert (last.after_sec, last.took_sec) == (40.0, 10.0)
    assert last.calls[0].summary == "sed -n 4p a.py"
    assert last.calls[0].results[0].head.startswith("x x")


def test_pages_hold_all_steps_once() -> None:
    view = View(long_rollout("t", 120))
    assert view.pages() == [(0, 1, 50), (50, 51, 100), (100, 101, 120)]
    assert [step.step_id for start, _, _ in view.pages() for step in view.page(start)] == list(range(1, 121))


def test_a_long_text_is_cut_in_the_middle_and_whole_when_asked_for() -> None:
    view = View(rollout_of("t", (agent_step(2, output="a" * 30_000 + "END"),)))
    cut, whole = view.step(1), view.step(1, cut=None)
    result = cut.calls[0].results[0]
    assert cut.is_cut and result.tail.endswith("END")
    assert len(result.head) + result.left_out + len(result.tail) == 30_003
    assert not whole.is_cut and whole.calls[0].results[0].head.endswith("END")


def test_an_answer_to_no_call_is_shown_all_the_same() -> None:
    stray = Observation(results=(ObservationResult(source_call_id="other", content="stray"),))
    step = View(rollout_of("t", (agent_step(2, observation=stray),))).step(1)
    assert [each.head for each in step.loose] == ["stray"]


def test_the_timeline_has_a_bar_for_each_step_or_for_some() -> None:
    assert len(View(long_rollout("t", 10)).timeline()) == 10
    many = View(long_rollout("t", 1000)).timeline()
    assert len(many) == BARS
    assert (many[0].first, many[-1].last) == (1, 1000)
    assert all(0 < bar.height <= 1 for bar in many)
    failing = agent_step(2, extra={"is_error": True})
    assert View(rollout_of("t", (failing,))).timeline()[1].kind == "error"
    assert (
        View(make_rollout(trajectory=rollout_of("t", ()).trajectory.model_copy(update={"steps": ()}))).timeline() == []
    )


def test_search_looks_into_every_part() -> None:
    view = View(hostile_rollout("t"))
    hits, total = view.search("ONERROR")
    assert {hit.part for hit in hits} == {"message", "reasoning", "call", "output"}
    assert total == len(hits)
    assert view.search(" ") == ([], 0)
    assert len(view.search("onerror", most=2)[0]) == 2


def test_diffs_are_coloured_and_split_by_file() -> None:
    (file,) = files_of(DIFF)
    assert (file.path, file.added, file.removed) == ("a.py", 1, 1)
    assert looks_like_diff(DIFF) and not looks_like_diff("+ added\n- removed")
    removed = "@@ -1 +1 @@\n--- a comment of SQL\n+++ another"
    assert [line.kind for line in diff_lines(removed)] == ["hunk", "del", "add"]


def test_two_rollouts_are_aligned_by_what_they_do() -> None:
    left = rollout_of(
        "t", tuple(agent_step(at, command=word) for at, word in enumerate(("ls", "cat a\ncat b", "x"), 2))
    )
    right = rollout_of(
        "t", tuple(agent_step(at, command=word) for at, word in enumerate(("new", "ls", "cat a\ncat c"), 2))
    )
    pairs = aligned(left.trajectory.steps, right.trajectory.steps)
    assert [pair.kind for pair in pairs] == ["same", "right", "same", "differs", "left"]
    assert first_difference(pairs) == 1
    differing = pairs[3]
    assert [(line.text, line.is_only) for line in differing.left_lines] == [
        ("bash", False),
        ("cat a", False),
        ("cat b", True),
    ]
    assert first_difference(aligned(left.trajectory.steps, left.trajectory.steps)) is None


def test_a_file_to_send_escapes_all_and_allows_only_its_own_script() -> None:
    text = standalone(hostile_rollout("t"))
    assert HOSTILE not in text and "&lt;svg onload" in text
    assert "default-src &#39;none&#39;" in text and "unsafe" not in text
    assert text.count("<script>") == 1
    assert "src=" not in text.replace("src=x onerror", "")


def test_a_rollout_is_read_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.record(long_rollout("t", 3))
        (row,) = store.rollouts()
        views = Views()
        assert views.of(store, row) is views.of(store, row)
