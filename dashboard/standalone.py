"""A rollout as one HTML file to send to somebody: works offline, loads nothing, runs only the viewer's script."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dashboard import wording
from dashboard.difflines import files_of
from dashboard.viewing import View
from trajectories.rollout import Rollout

HERE = Path(__file__).parent


def standalone(rollout: Rollout) -> str:
    """The whole page with every text in full. Everything of the rollout is escaped.

    The file's own content security policy allows exactly the style and the script that are in it, by their hashes.
    """
    style, script = (_inline(HERE / "static" / name) for name in ("viewer.css", "viewer.js"))
    view = View(rollout)
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(wording.FILTERS)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    return pages.get_template("rollout_file.html").render(
        rollout=rollout,
        bars=view.timeline(),
        steps=view.page(0, size=len(view.steps), cut=None),
        files=files_of(rollout.diff),
        policy=policy,
        style=style,
        script=script,
    )


def _inline(file: Path) -> Markup:
    """Our own file, for between tags: it must not hold the end of them."""
    text = file.read_text(encoding="utf-8")
    assert "</" not in text, f"{file} holds '</' and cannot be put into a page"
    return Markup(text)  # a file of ours


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
