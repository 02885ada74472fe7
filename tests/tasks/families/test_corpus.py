"""A corpus and a few shots: like documents are found, samples of the shots' form are made of them."""

import json
from pathlib import Path
from random import Random

import pytest

from tasks.families.corpus._examples import FOLDER, make
from tasks.families.corpus.augment import checked, main
from tasks.families.corpus.bm25 import Index
from tasks.families.corpus.craft import draw_claims, draw_sample, read_corpus, read_shots, retrieved
from tasks.families.corpus.samples import GAP, Shot, form_of
from tests.agents.openai_server import says, serving

GAPS = {"corpus": "examples/corpus.jsonl", "shots": "examples/shots_cloze.jsonl"}
CLAIMS = {"corpus": "examples/corpus.jsonl", "shots": "examples/shots_claims.jsonl"}


def test_bm25_finds_what_is_rare_first() -> None:
    index = Index(["the mill grinds corn", "the ferry crosses the river", "the mill by the river", "the the the"])
    assert index.nearest("a mill", 2) == [0, 2]
    assert index.nearest("the ferry", 1) == [1]
    assert index.nearest("river", 2, without=2)[0] == 1
    assert index.scores("unknown") == [0, 0, 0, 0]


def test_documents_like_the_shots_come_first() -> None:
    texts = ["Bread is baked at night.", "The choir sings.", "A choir has a conductor.", "Snow fell."]
    shots = (Shot("The choir of Linz sings in ____.", "May"), Shot("Who leads the choir?", "Ida"))
    assert set(retrieved(shots, Index(texts), 2)) == {1, 2}


def test_the_shipped_files_are_what_their_program_makes() -> None:
    for name, text in make().items():
        assert (FOLDER / name).read_text() == text


def stands_in(told: str, text: str) -> bool:
    """`Velm: It has 3 doors.` is about the text that names Velm."""
    subject, colon, sentence = told.partition(": ")
    return subject in text and sentence in text if colon else told in text


def test_a_gap_is_filled_by_one_of_the_given_documents() -> None:
    for seed in range(25):
        drawn = draw_sample(Random(seed), **GAPS)
        documents = [text for path, text in drawn["files"].items() if path.startswith("documents/")]
        assert len(documents) == 12 and drawn["question"].count(GAP) == 1
        assert drawn["answer"] not in drawn["question"]
        holding = [text for text in documents if stands_in(drawn["question"].replace(GAP, drawn["answer"]), text)]
        assert len(holding) == 1
        assert drawn["decoys"][0]["answer.txt"].strip() != drawn["answer"]


def test_claims_are_true_or_false_about_one_document() -> None:
    answers = []
    for seed in range(40):
        drawn = draw_sample(Random(seed), **CLAIMS)
        stands = any(stands_in(drawn["question"], text) for text in drawn["files"].values())
        assert drawn["answer"] == ("true" if stands else "false")
        answers.append(drawn["answer"])
    assert 10 < answers.count("true") < 30


def test_several_claims_are_asked_at_once_and_no_one_label_answers_them() -> None:
    for seed in range(10):
        drawn = draw_claims(Random(seed), **CLAIMS)
        claims = [line.partition(". ")[2] for line in drawn["question"].splitlines()]
        answers = drawn["answer"].splitlines()
        assert len(claims) == len(answers) == 5 and len(set(answers)) == 2
        for claim, answer in zip(claims, answers, strict=True):
            assert answer == ("true" if any(stands_in(claim, text) for text in drawn["files"].values()) else "false")
        assert all(decoy["answer.txt"].splitlines() != answers for decoy in drawn["decoys"])


def test_a_corpus_of_ones_own(tmp_path: Path) -> None:
    for at, (name, number) in enumerate([("Ahorn", 12), ("Birke", 34), ("Ceder", 56)]):
        (tmp_path / f"{at}.txt").write_text(f"The street is called {name}. It has {number} houses.")
    (tmp_path / "shots.jsonl").write_text('{"question": "It has ____ trees.", "answer": "7"}\n' * 4)
    drawn = draw_sample(Random(0), "*.txt", "shots.jsonl", folder=str(tmp_path))
    assert GAP in drawn["question"] and drawn["answer"] in {"12", "34", "56", "Ahorn", "Birke", "Ceder"}


@pytest.mark.parametrize(
    ("shots", "told"),
    [
        ('{"question": "x"}\n', "line 1 has no field 'answer'"),
        ('{"question": "x ____", "answer": "y"}\n' * 2, "has 2 shots"),
        (
            '{"question": "Sum up: a", "answer": "a"}\n{"question": "b", "answer": "b"}\n' * 2,
            "neither questions with a gap",
        ),
    ],
)
def test_bad_shots_are_told(tmp_path: Path, shots: str, told: str) -> None:
    (tmp_path / "a.txt").write_text("It has 12 houses.")
    (tmp_path / "shots.jsonl").write_text(shots.replace('"b", "answer": "b"', '"b", "answer": "c"'))
    with pytest.raises(ValueError, match=told):
        made = read_shots(tmp_path / "shots.jsonl")
        assert len({shot.answer for shot in made}) == 2
        form_of((*made, Shot("?", "a third")))


def test_a_corpus_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no file of .* is called '\*.txt'"):
        read_corpus("*.txt", tmp_path)


@pytest.mark.parametrize(
    ("reply", "is_kept"),
    [
        ('{"question": "How many houses?", "answer": "12", "wrong": "13"}', True),
        ('Sure!\n```json\n{"question": "How many?", "answer": "12", "wrong": "13"}\n```', True),
        ('{"question": "Is it 12?", "answer": "12", "wrong": "13"}', False),
        ('{"question": "How many?", "answer": "99", "wrong": "13"}', False),
        ('{"question": "How many?", "answer": "12", "wrong": "12"}', False),
        ('{"question": "How many?", "answer": "12"}', False),
        ("I cannot.", False),
    ],
)
def test_what_a_model_makes_is_checked_in_the_text(reply: str, is_kept: bool) -> None:
    assert (checked(reply, "The street has 12 houses.") is not None) is is_kept


def test_a_model_makes_samples_that_are_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("The street has 12 houses.")
    (tmp_path / "shots.jsonl").write_text('{"question": "Trees?", "answer": "7"}\n' * 4)
    reply = json.dumps({"question": "How many houses are there?", "answer": "12", "wrong": "21"})
    with serving(says(reply)) as (server, url):
        command = ["--corpus", "*.txt", "--shots", "shots.jsonl", "--out", "made.jsonl", "--url", url, "--model", "m"]
        assert main(command) == 0
        made = (tmp_path / "made.jsonl").read_text()
        assert main(command) == 0
    assert len(server.requests) == 1 and (tmp_path / "made.jsonl").read_text() == made  # the answer was kept
    assert server.requests[0]["response_format"]["json_schema"]["schema"]["required"] == ["question", "answer", "wrong"]
    assert "The street has 12 houses." in server.requests[0]["messages"][0]["content"]
    drawn = draw_sample(Random(0), "a.txt", "shots.jsonl", folder=str(tmp_path), samples="made.jsonl")
    assert (drawn["question"], drawn["answer"]) == ("How many houses are there?", "12")
    assert drawn["decoys"][0] == {"answer.txt": "21\n"}


def test_a_sample_that_repeats_a_shot_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("The street has 7 trees.")
    (tmp_path / "shots.jsonl").write_text('{"question": "Trees?", "answer": "7"}\n' * 4)
    with serving(says(json.dumps({"question": "Trees?", "answer": "7", "wrong": "8"}))) as (_, url):
        command = ["--corpus", "*.txt", "--shots", "shots.jsonl", "--out", "made.jsonl", "--url", url, "--model", "m"]
        assert main(command) == 0
    assert (tmp_path / "made.jsonl").read_text() == ""
