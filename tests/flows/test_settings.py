"""Settings: option over environment over file over default; a wrong one is named."""

from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.place import Place
from flows.settings import load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "JOBS", "BACKEND", "CACHE"):
        monkeypatch.delenv(f"GRISTMILL_{name}", raising=False)


def test_the_first_place_that_sets_a_value_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().jobs == 2
    (tmp_path / "gristmill.yaml").write_text("jobs: 3\nstore: from-file\n")
    assert load_settings().jobs == 3
    monkeypatch.setenv("GRISTMILL_JOBS", "4")
    assert load_settings().jobs == 4
    assert load_settings(jobs=5).jobs == 5
    assert load_settings(jobs=5).store == "from-file"


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_JOBS", "many")
    with pytest.raises(UsageError, match=r"settings: jobs: .*integer"):
        load_settings()


def test_containers_are_kept_unless_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Place.from_settings(load_settings())
    assert kept.backend_options("docker")["keep_containers"] is True
    assert "keep_containers" not in kept.backend_options("bubblewrap")
    monkeypatch.setenv("GRISTMILL_DOCKER_KEEP", "false")
    assert Place.from_settings(load_settings()).backend_options("docker")["keep_containers"] is False


def test_a_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_API_KEY", "sk-very-secret")
    assert "very-secret" not in repr(load_settings())


def test_what_a_store_records_is_redacted_of_this_process_s_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SERVICE_API_KEY", "correct-horse-battery-staple")
    monkeypatch.setenv("MY_CITY", "Grenoble-upon-the-hill")
    place = Place(store=str(tmp_path / "store"), cache=tmp_path)
    with place.open_store() as store:
        assert store.secrets["MY_SERVICE_API_KEY"] == "correct-horse-battery-staple"
        assert "MY_CITY" not in store.secrets
