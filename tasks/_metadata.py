"""What a tree says about itself: its licence."""

import re
import tomllib
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

# First words of the common licence texts, for trees that state a licence nowhere else.
_LICENSE_TEXTS = (
    (r"MIT License|Permission is hereby granted, free of charge, to any person", "MIT"),
    (r"Apache License\s+Version 2\.0", "Apache-2.0"),
    (r"Redistribution and use in source and binary forms(?s:.*)Neither the name", "BSD-3-Clause"),
    (r"Redistribution and use in source and binary forms", "BSD-2-Clause"),
    (r"Mozilla Public License,? [Vv]ersion 2\.0", "MPL-2.0"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3", "LGPL-3.0-only"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1", "LGPL-2.1-only"),
    (r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3", "AGPL-3.0-only"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 3", "GPL-3.0-only"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 2", "GPL-2.0-only"),
    (r"Permission to use, copy, modify, and(/or)? distribute this software", "ISC"),
    (r"This is free and unencumbered software released into the public domain", "Unlicense"),
)


def read_license(tree: Path) -> str:
    """SPDX expression, classifier or name of the licence that a tree states, or '' where it states none.

    In this order: PKG-INFO's License-Expression, pyproject's `license`, a text
    that we know (it says which BSD licence, where a classifier does not), classifiers, License field.
    """
    info = _package_info(tree)
    project = _project(tree)
    stated = project.get("license")
    classifiers = [*info.get("Classifier", []), *(c for c in project.get("classifiers", []) if isinstance(c, str))]
    named = [name.rsplit(" :: ", 1)[-1] for name in classifiers if name.startswith("License ::")]
    choices = (
        *info.get("License-Expression", []),
        stated if isinstance(stated, str) else "",
        stated.get("text", "") if isinstance(stated, dict) else "",
        _from_text(tree),
        *named,
        *info.get("License", []),
    )
    return next((choice.strip() for choice in choices if choice.strip() and len(choice.strip()) < 100), "")


def _package_info(tree: Path) -> dict[str, list[str]]:
    file = tree / "PKG-INFO"
    if not file.is_file():
        return {}
    message = HeaderParser().parsestr(file.read_text(errors="replace"))
    return {key: [str(value) for value in message.get_all(key, [])] for key in message}


def _project(tree: Path) -> dict[str, Any]:
    file = tree / "pyproject.toml"
    if not file.is_file():
        return {}
    document = tomllib.loads(file.read_text())
    project = document.get("project") or document.get("tool", {}).get("poetry", {})
    return project if isinstance(project, dict) else {}


def _from_text(tree: Path) -> str:
    for file in sorted(tree.iterdir()):
        if file.is_file() and re.match(r"(?i)(licen[sc]e|copying)", file.name):
            text = file.read_text(errors="replace")
            return next((name for pattern, name in _LICENSE_TEXTS if re.search(pattern, text)), "")
    return ""
