"""A tree of topics in YAML: instances are drawn from its leaves, and their coverage is counted over its nodes.

    Sorting:                      # a name and what is below it
      - Bubble sort               # a leaf
      - {name: Merge sort, id: merge, level: 2}
    Searching: [Linear, Binary]

A mapping with `name` is one node; it may have `id`, `children` and any more fields, which a leaf gives along. The
levels are GLAN's (field, subject, topic) or any others.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.errors import BadTemplate
from tasks.templates.located import Located, Place, read_located


@dataclass(frozen=True)
class Leaf:
    """`ids`: of the nodes from the top to this one, itself the last."""

    value: Mapping[str, Any]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(id for leaf in self.leaves for id in leaf.ids))


class Coverage(BaseModel):
    """How many of a tree's nodes have an instance at or below them."""

    model_config = ConfigDict(frozen=True)

    template: str
    parameter: str
    leaves: int
    leaves_covered: int
    nodes: int
    nodes_covered: int
    counts: dict[str, int]
    missing: tuple[str, ...] = ()


def read_tree(file: Path) -> Tree:
    """Raises BadTemplate naming the line in the tree's file."""
    located = read_located(file)
    leaves = tuple(_leaves(located, located.data, (), (), ()))
    if not leaves:
        raise BadTemplate(f"{file}:1: the tree has no leaf; write names, and below them lists of names")
    seen: set[str] = set()
    for leaf in leaves:
        if leaf.value["id"] in seen:
            raise BadTemplate(f"{file}: the id {leaf.value['id']!r} stands for two leaves; give one of them `id:`")
        seen.add(leaf.value["id"])
    return Tree(leaves)


def coverage(tree: Tree, leaf_ids: Iterable[str], *, template: str, parameter: str) -> Coverage:
    """Count drawn leaves, and every node above them."""
    drawn = Counter(leaf_ids)
    counts: Counter[str] = Counter()
    for leaf in tree.leaves:
        for node in leaf.ids:
            counts[node] += drawn[leaf.value["id"]]
    covered = [leaf for leaf in tree.leaves if drawn[leaf.value["id"]]]
    return Coverage(
        template=template,
        parameter=parameter,
        leaves=len(tree.leaves),
        leaves_covered=len(covered),
        nodes=len(tree.nodes),
        nodes_covered=sum(counts[node] > 0 for node in tree.nodes),
        counts={node: counts[node] for node in tree.nodes if counts[node]},
        missing=tuple(leaf.value["id"] for leaf in tree.leaves if not drawn[leaf.value["id"]]),
    )


def _leaves(located: Located, data: Any, place: Place, names: tuple[str, ...], ids: tuple[str, ...]) -> Iterator[Leaf]:
    """`names`, `ids`: of the nodes above."""
    if isinstance(data, list):
        for at, each in enumerate(data):
            yield from _leaves(located, each, (*place, at), names, ids)
    elif isinstance(data, dict) and "name" in data:
        yield from _node(located, data, place, names, ids)
    elif isinstance(data, dict):
        for name, below in data.items():
            here = (*place, str(name))
            yield from _node(located, {"name": name, "children": below}, here, names, ids, here)
    elif isinstance(data, str):
        yield from _node(located, {"name": data}, place, names, ids)
    elif data is not None:
        raise _fault(located, place, f"a node is a name or has one; this is {data!r:.60}")


def _node(
    located: Located,
    node: dict[Any, Any],
    place: Place,
    names: tuple[str, ...],
    ids: tuple[str, ...],
    below_at: Place | None = None,
) -> Iterator[Leaf]:
    """`below_at`: where the children stand, if not under `children`."""
    below_at = below_at or (*place, "children")
    name, given, children = node["name"], node.get("id"), node.get("children")
    if not isinstance(name, str) or not name:
        raise _fault(located, (*place, "name"), f"a node's name is a text; this is {name!r:.60}")
    if given is not None and not isinstance(given, str):
        raise _fault(located, (*place, "id"), f"an id is a text; this is {given!r:.60}")
    own = given or "/".join(filter(None, (ids[-1] if ids else "", _slug(name))))
    below = [*_leaves(located, children, below_at, (*names, name), (*ids, own))] if children else []
    if below:
        yield from below
    else:
        more = {str(key): value for key, value in node.items() if key != "children"}
        yield Leaf({**more, "id": own, "name": name, "path": [*names, name]}, (*ids, own))


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower()).strip("-") or "-"


def _fault(located: Located, place: Place, what: str) -> BadTemplate:
    return BadTemplate(located.problem(place, what)[1])
