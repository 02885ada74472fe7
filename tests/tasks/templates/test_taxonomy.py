"""Trees of topics: both ways of writing them, their leaves, and what is said of wrong ones."""

from pathlib import Path

import pytest

from tasks.errors import BadTemplate
from tasks.templates.taxonomy import Tree, coverage, read_tree

TREE = """\
Food:
  - Bread
  - {name: Cheese, id: cheese, level: 2}
Tools:
  Hand tools: [Hammers, Saws]
  Power tools:

"""


def tree(folder: Path, text: str) -> Tree:
    (folder / "tree.yaml").write_text(text)
    return read_tree(folder / "tree.yaml")


def test_leaves_have_ids_names_paths_and_more(tmp_path: Path) -> None:
    leaves = {leaf.value["id"]: leaf for leaf in tree(tmp_path, TREE).leaves}
    assert list(leaves) == [
        "food/bread", "cheese", "tools/hand-tools/hammers", "tools/hand-tools/saws", "tools/power-tools",
    ]  # fmt: skip
    assert leaves["cheese"].value == {"id": "cheese", "name": "Cheese", "level": 2, "path": ["Food", "Cheese"]}
    assert leaves["tools/hand-tools/saws"].ids == ("tools", "tools/hand-tools", "tools/hand-tools/saws")


def test_the_long_way_says_the_same(tmp_path: Path) -> None:
    long = "- {name: Food, children: [Bread, {name: Cheese, id: cheese, level: 2}]}\n"
    short = "Food:\n  - Bread\n  - {name: Cheese, id: cheese, level: 2}\n"
    assert tree(tmp_path, long) == tree(tmp_path, short)


def test_coverage_counts_every_node_above_a_leaf(tmp_path: Path) -> None:
    found = coverage(
        tree(tmp_path, TREE), ["cheese", "cheese", "tools/hand-tools/saws"], template="t", parameter="topic"
    )
    assert found.counts == {
        "food": 2, "cheese": 2, "tools": 1, "tools/hand-tools": 1, "tools/hand-tools/saws": 1,
    }  # fmt: skip
    assert (found.leaves, found.leaves_covered, found.nodes, found.nodes_covered) == (5, 2, 8, 5)
    assert found.missing == ("food/bread", "tools/hand-tools/hammers", "tools/power-tools")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "tree.yaml:1: the tree has no leaf"),
        ("A: [x, 3]\n", "tree.yaml:1: A.1: a node is a name or has one; this is 3"),
        ("A:\n  - x\n  - {name: [y]}\n", r"tree.yaml:3: A.1.name: a node's name is a text; this is \['y'\]"),
        ("A:\n  - x\n  - {name: y, id: 7}\n", "tree.yaml:3: A.1.id: an id is a text; this is 7"),
        ("A:\n  - x\n  - X\n", "tree.yaml: the id 'a/x' stands for two leaves"),
        ("A: [x\nB: y\n", "tree.yaml:1: is not valid YAML"),
        ("A: x\nA: y\n", "tree.yaml:2: A: stands in line 1 already"),
    ],
)
def test_wrong_trees_name_their_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadTemplate, match=told):
        tree(tmp_path, text)
