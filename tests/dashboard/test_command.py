"""`gristmill dashboard`: its token's file, and its folder of suites."""

import stat
from pathlib import Path

from flows.cli.dashboard import TOKEN_FILE, kept_token, suites_in
from flows.place import Place


def test_the_token_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    place = Place(store=str(tmp_path / "store"), cache=tmp_path)
    made = kept_token(place)
    file = tmp_path / "store" / TOKEN_FILE
    assert len(made) >= 40 and stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    assert kept_token(place) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_suites_in_the_folder_are_found(tmp_path: Path) -> None:
    for name in ("one", "suites/two", "a/b/too-deep"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "suite.json").write_text("{}")
    assert suites_in(tmp_path) == (tmp_path / "one", tmp_path / "suites" / "two")
