"""Variants of a reference: what counts as wrong, what as the same, and what is left alone."""

import ast
import json
from pathlib import Path

import pytest

from environments import Diff, FileChange
from environments.spec import SandboxSpec
from tasks._program import is_same_program
from tasks.audit.variants import equivalent_variants, wrong_variants
from tasks.task import Provenance, Task

GIVEN = b'''\
def total(prices, discount):
    """The sum, less a discount in percent."""
    count = 0
    cents = 0
    for price in prices:
        cents += price  # in cents
        count += 1
    return cents - discount


def untouched(first, second):
    return first + second
'''
MENDED = GIVEN.replace(b"return cents - discount", b"return cents - cents * discount // 100 if count else 0")


def reference_of(**files: bytes) -> Diff:
    """`files`: `name__suffix` -> what the reference leaves there."""
    return Diff(
        changes=tuple(FileChange(path=name.replace("__", "."), before=None, after=text) for name, text in files.items())
    )


MENDING = Diff(changes=(FileChange(path="shop.py", before=GIVEN, after=MENDED),))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(
        id="shop",
        folder=tmp_path,
        instruction="Mend `shop.py`. Write answer.txt, orders.csv and sums.json.",
        provenance=Provenance(source="here", source_hash=""),
        agent_spec=SandboxSpec(),
        verifier_spec=SandboxSpec(),
    )


@pytest.fixture
def foreign(task: Task) -> Task:
    return task.model_copy(update={"verifier": "script"})


def texts(task: Task, reference: Diff, most: int = 100) -> dict[str, str]:
    return {each.name: (each.diff.changes[0].after or b"").decode()
            for each in wrong_variants(task, reference, most=most, seed=0)}  # fmt: skip


# ---------------------------------------------------------------- wrong


def test_mutants_are_other_programs_of_the_changed_lines_first(task: Task) -> None:
    few = texts(task, MENDING, most=4)
    assert len(few) == 4
    assert all(name.startswith("shop.py:8: ") for name in few)
    for text in few.values():
        assert not is_same_program(MENDED, text.encode())
        assert not is_same_program(GIVEN, text.encode())
        assert "return first + second" in text


def test_the_bug_itself_is_no_mutant(task: Task) -> None:
    given = MENDED.replace(b"count += 1", b"count -= 1  # or not?")
    reference = Diff(changes=(FileChange(path="shop.py", before=given, after=MENDED),))
    found = texts(task, reference)
    assert found
    assert not any(is_same_program(given, text.encode()) for text in found.values())


def test_mutants_widen_to_the_definition_and_no_further(task: Task) -> None:
    lines = {int(name.split(":")[1]) for name in texts(task, MENDING)}
    assert lines > {8}
    assert max(lines) <= 8


def test_the_same_seed_gives_the_same_variants(task: Task) -> None:
    assert wrong_variants(task, MENDING, most=5, seed=3) == wrong_variants(task, MENDING, most=5, seed=3)
    assert wrong_variants(task, MENDING, most=5, seed=3) != wrong_variants(task, MENDING, most=5, seed=4)


def test_without_a_suite_only_what_is_wrong_for_sure(foreign: Task) -> None:
    found = wrong_variants(foreign, MENDING, most=100, seed=0)
    assert all(each.is_surely_wrong for each in found)
    changed = {(each.diff.changes[0].after or b"").decode().splitlines()[7].strip() for each in found
               if each.name.startswith("shop.py:8")}  # fmt: skip
    assert changed == {
        'raise AssertionError("not written")',
        'return {}["not written"] if count else 0',
        'return cents - cents * discount // 100 if count else {}["not written"]',
    }
    assert any(each.name == "shop.py:1: function (total)" for each in found)


def test_numbers_are_off_where_they_go_into_what_is_returned(foreign: Task) -> None:
    reference = reference_of(
        price__py=b"def price(n):\n    cents = 450 + 100 * n\n    return 2 * cents if n > 3 else cents\n"
    )
    numbers = {name for name in texts(foreign, reference) if "number" in name}
    assert numbers == {
        "price.py:2: number (450 is 451)",
        "price.py:2: number (100 is 101)",
        "price.py:3: number (2 is 2.02)",
    }


def test_what_is_caught_close_by_is_not_called_wrong(foreign: Task) -> None:
    text = (
        b"def read(path):\n    try:\n        size = fast(path)\n    except OSError:\n        size = 0\n    return size"
    )
    assert not [name for name in texts(foreign, reference_of(read__py=text)) if name.startswith("read.py:3")]


def test_a_number_is_nearly_right(foreign: Task) -> None:
    assert set(texts(foreign, reference_of(answer__txt=b"5825\n")).values()) == {"5826\n", "5883\n", "-5825\n", ""}


def test_a_table_loses_doubles_and_mixes_up_rows(foreign: Task) -> None:
    found = texts(foreign, reference_of(orders__csv=b"id,name\n1,ann\n2,bob\n"))
    by_kind = {name.split(": ", 1)[1].split(" (")[0]: text for name, text in found.items()}
    assert by_kind["row lost"] == "id,name\n1,ann\n"
    assert by_kind["row doubled"] == "id,name\n1,ann\n1,ann\n2,bob\n"
    assert "id,name\n1,bob\n2,bob\n" in found.values()
    assert "idx,name\n1,ann\n2,bob\n" in found.values()
    assert by_kind["empty file"] == ""


def test_json_answers_change_in_one_place_and_notes_do_not(foreign: Task) -> None:
    answer = {"total": 10, "paid": True, "note": "2 are late", "ids": [3, 4]}
    found = [json.loads(text) for text in texts(foreign, reference_of(sums__json=json.dumps(answer).encode())).values()
             if text]  # fmt: skip
    assert {**answer, "total": 11} in found
    assert {**answer, "paid": False} in found
    assert {**answer, "ids": [3]} in found
    assert any("totalx" in each for each in found)
    assert all(each["note"] == answer["note"] for each in found)


def test_files_that_nobody_asked_for_are_no_answers(foreign: Task) -> None:
    reference = Diff(changes=(*MENDING.changes, *reference_of(notes__md=b"Done in 3 steps.\n").changes))
    assert {name.split(":")[0] for name in texts(foreign, reference)} == {"shop.py"}


# ---------------------------------------------------------------- equivalent


def test_a_rewrite_is_the_same_program_in_other_words(task: Task) -> None:
    (variant,) = equivalent_variants(task, MENDING)
    text = (variant.diff.changes[0].after or b"").decode()
    assert variant.name == "rewritten: reordered, renamed, reformatted"
    assert text == (
        "def total(\n    prices,\n    discount):\n"
        '    """The sum, less a discount in percent."""\n'
        "    cents_value = 0\n    count_value = 0\n    for price_value in prices:\n"
        "        cents_value += price_value\n        count_value += 1\n"
        "    return cents_value - cents_value * discount // 100 if count_value else 0\n"
        "\n\ndef untouched(first, second):\n    return first + second\n"
    )
    assert [part.name for part in variant.parts] == [f"shop.py: total {how}"
                                                     for how in ("reordered", "renamed", "reformatted")]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "    x = 1\n    return lambda: x\n",
        "    x = 1\n    return locals()\n",
        "    global x\n    x = 1\n    return x\n",
        "    x = 1\n    return f'{x}'\n",
        "    x = 1\n    return [x for x in range(x)]\n",
        "    import x\n    x = x.y\n    return x\n",
        "    try:\n        x = 1\n    except OSError as x:\n        pass\n    return x\n",
        "    x = 1\n    return x, x_value\n",
    ],
)
def test_a_name_that_others_may_know_stays(task: Task, body: str) -> None:
    text = f"def f(a):\n{body}"
    assert not [variant for variant in equivalent_variants(task, reference_of(f__py=text.encode()))
                if "renamed" in variant.name]  # fmt: skip


@pytest.mark.parametrize("pair", ["a = 1\n    b = a", "a = b\n    b = 1", "a = 1\n    a = 2", "a = 1\n    b = g()"])
def test_assignments_that_know_of_each_other_keep_their_order(task: Task, pair: str) -> None:
    text = f"def f(b):\n    {pair}\n    return b\n"
    (variant,) = equivalent_variants(task, reference_of(f__py=text.encode())) or [None]
    assert variant is None or "reordered" not in variant.name


def test_layout_changes_in_brackets_and_keeps_the_tree_of_a_method(task: Task) -> None:
    method = 'def m(self):\n        """One.\n\n        Two.\n        """\n        return max(0, -(1 - 2))\n'
    text = f"class A:\n    @property\n    {method}"
    (variant,) = equivalent_variants(task, reference_of(a__py=text.encode()))
    new = (variant.diff.changes[0].after or b"").decode()
    assert "max(0," not in new
    assert ast.dump(ast.parse(new)) == ast.dump(ast.parse(text))


def test_json_in_another_order_unless_the_order_was_asked_for(foreign: Task) -> None:
    reference = reference_of(sums__json=b'{"a": 1, "b": [2, 3]}\n')
    (variant,) = equivalent_variants(foreign, reference)
    assert {part.diff.changes[0].after for part in variant.parts} == {
        b'{"b": [2, 3], "a": 1}\n',
        b'{\n    "a": 1,\n    "b": [\n        2,\n        3\n    ]\n}\n',
    }
    sorted_task = foreign.model_copy(update={"instruction": "Write sums.json, keys sorted, indented exactly so."})
    assert equivalent_variants(sorted_task, reference) == []


def test_rows_change_places_only_where_their_order_is_free(foreign: Task) -> None:
    reference = reference_of(orders__csv=b"id,name\n1,ann\n2,bob\n")
    (variant,) = equivalent_variants(foreign, reference)
    assert variant.diff.changes[0].after == b'"id","name"\n"1","ann"\n"2","bob"\n'
    free = foreign.model_copy(update={"instruction": "Write orders.csv, rows in any order."})
    assert b"id,name\n2,bob\n1,ann\n" in {part.diff.changes[0].after for v in equivalent_variants(free, reference)
                                          for part in v.parts}  # fmt: skip
