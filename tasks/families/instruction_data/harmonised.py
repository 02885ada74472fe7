"""Several labelled data sets as one: each says in its own words whom or what a text is about, a taxonomy in one.

The mechanism of SubData: a mapping from each data set's words to targets, a taxonomy of categories over the targets,
and any part of it asked for by name.
"""

from collections import Counter
from pathlib import Path

from tasks.families.instruction_data.annotation import Annotation, BadAnnotation, Source
from tasks.families.instruction_data.reading import Row, read_rows


def harmonised_rows(annotation: Annotation, folder: Path) -> tuple[Row, ...]:
    """Rows with `text`, `label` (a target, or its category: `level`) and `source`, of what `only` names.

    Each text once; one that two rows say different things of is left out. Raises BadAnnotation, also for a word of the
    data that the mapping does not know.
    """
    category_of = {target: category for category, targets in annotation.taxonomy.items() for target in targets}
    kept = set(annotation.only) or set(annotation.taxonomy)
    said: dict[str, set[str]] = {}
    rows: dict[str, Row] = {}
    for name, source in annotation.sources.items():
        for text, target in _mapped(annotation, name, source, folder):
            category = category_of[target]
            if not {target, category} & kept:
                continue
            label = target if annotation.level == "target" else category
            said.setdefault(text, set()).add(label)
            rows.setdefault(text, {"text": text, "label": label, "source": name})
    found = tuple(row for text, row in rows.items() if len(said[text]) == 1)
    if len({row["label"] for row in found}) < 2:
        raise BadAnnotation(("sources",), f"{len(found)} rows are left, of fewer than two labels")
    return found


def _mapped(annotation: Annotation, name: str, source: Source, folder: Path) -> list[tuple[str, str]]:
    """(text, target) of each row that has a target."""
    place = ("sources", name)
    alone = Annotation(
        annotation="classification",
        name=annotation.name,
        data=source.data,
        split=source.split,
        header=source.header,
        columns={"text": source.text, "label": source.target},
    )
    try:
        rows = read_rows(alone, folder)
    except BadAnnotation as fault:
        role = {"text": "text", "label": "target"}.get(str(fault.place[-1]) if fault.place else "", "data")
        raise BadAnnotation((*place, role), fault.what) from fault
    words = Counter(str(row[str(source.target)]).strip() for row in rows)
    if unknown := sorted(word for word in words if word not in source.targets):
        others = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise BadAnnotation(
            (*place, "targets"),
            f"says nothing of {unknown[0]!r}{others}, in {words[unknown[0]]} rows; name its target, or null to leave "
            "its rows out",
        )
    pairs = [(str(row[str(source.text)]).strip(), source.targets[str(row[str(source.target)]).strip()]) for row in rows]
    return [(text, target) for text, target in pairs if target is not None and text]
