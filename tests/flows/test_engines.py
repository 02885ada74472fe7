"""The setting `engine`: what it may say, what is refused before anything starts, and what a worker looks at first."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.models import ModelConfig
from environments import Backend
from flows.batches import keys_of, outcomes_in, split
from flows.engines import read_engine
from flows.engines import setting as settings_of_engines
from flows.engines.errors import EngineUnavailable, WorkerFault
from flows.engines.setting import check_installed, check_reachable
from flows.engines.worker import is_worth_another_try, ready_for
from flows.errors import UsageError
from flows.models import for_workers
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest, load_pipeline
from flows.rollout import register
from flows.settings import load_settings
from tasks.suite import open_suite
from tasks.task import Task
from trajectories.errors import StoreFault

HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("text", "kind", "host", "port", "has_other_machines"),
    [
        ("local", "local", "", 0, False),
        ("ray", "ray", "", 0, False),
        ("dask", "dask", "", 0, False),
        ("ray://head.example:10001", "ray", "head.example", 10001, True),
        ("ray:127.0.0.1:6379", "ray", "127.0.0.1", 6379, False),
        ("tcp://10.0.0.7:8786", "dask", "10.0.0.7", 8786, True),
        ("tls://[::1]:8786", "dask", "::1", 8786, False),
    ],
)
def test_an_engine_is_a_name_or_an_address(
    text: str, kind: str, host: str, port: int, has_other_machines: bool
) -> None:
    engine = read_engine(text)
    assert (engine.kind, engine.host, engine.port, str(engine)) == (kind, host, port, text)
    assert engine.has_other_machines is has_other_machines
    assert engine.is_local is (text == "local")


@pytest.mark.parametrize("text", ["spark", "", "tcp://", "tcp://host", "ray://host", "ray:6379", "http://h:1"])
def test_anything_else_is_answered_with_what_may_be_given(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"settings: engine: .*ray://HOST:PORT"):
        load_settings(engine=text)
    (tmp_path / "p.yaml").write_text(f"generate: {{source: x, out: y}}\nengine: '{text}'\n")
    with pytest.raises(UsageError, match=r"p.yaml:2: engine: "):
        load_pipeline(tmp_path / "p.yaml")


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_of_engines, "find_spec", lambda name: None)
    check_installed(read_engine("local"))
    for text, extra in (("ray", "ray"), ("tcp://h:1", "dask")):
        with pytest.raises(UsageError, match=rf"pip install 'gristmill\[{extra}\]'"):
            check_installed(read_engine(text))


def test_workers_elsewhere_need_a_server_and_models_that_they_reach() -> None:
    here, elsewhere = read_engine("tcp://127.0.0.1:8786"), read_engine("ray://head:10001")
    check_reachable(here, None)
    check_reachable(elsewhere, "http://10.0.0.1:4200/api")
    for url in (None, "http://127.0.0.1:4200/api"):
        with pytest.raises(UsageError, match="set PREFECT_API_URL"):
            check_reachable(elsewhere, url)
    model = ModelConfig.model_validate({"name": "m", "model": "m", "base_url": "http://127.0.0.1:8000/v1"})
    assert for_workers({"m": model}, here) == {"m": model}
    with pytest.raises(UsageError, match="model m is served at"):
        for_workers({"m": model}, elsewhere)


def test_where_nothing_listens_is_told_at_once() -> None:
    pytest.importorskip("prefect_dask")
    from flows.engines.cluster import connected

    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        engine = read_engine(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(EngineUnavailable, match=r"nothing answers at 127\.0\.0\.1"), connected(engine, jobs=1):
            pass


def test_what_runs_elsewhere_can_be_sent_there() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    from flows.deciding import decide_batch
    from flows.deployments import entry
    from flows.rollout import rollout_batch, rollout_flow
    from flows.validation import check_batch, validate_flow

    for each in (rollout_batch, check_batch, decide_batch, rollout_flow, validate_flow, entry.rollout, entry.validate):
        assert cloudpickle.loads(cloudpickle.dumps(each)).name == each.name


@pytest.mark.parametrize(("count", "slots", "jobs"), [(3, 8, 2), (64, 2, 1), (1000, 4, 4), (10_000, 400, 2)])
def test_batches_fill_the_slots_of_a_cluster(count: int, slots: int, jobs: int) -> None:
    parts = list(split(count, 1, slots=(slots, jobs)))
    assert [at for part in parts for at in range(part.start, part.stop)] == list(range(count))
    assert len(parts) >= min(count, slots)
    assert count < slots * jobs or parts[0].stop >= jobs


@pytest.fixture
def place(tmp_path: Path, session_cache: Path) -> Place:
    return Place(store=str(tmp_path / "store"), cache=session_cache, engine="dask")


@pytest.fixture
def registered(place: Place, tiny_task: Task) -> Iterator[tuple[Path, str]]:
    """Folder and hash of a suite that the place's store knows."""
    suite = open_suite(tiny_task.folder.parent, cache=place.cache)
    with place.open_store() as store:
        register(suite, store)
    yield suite.folder, suite.manifest.hash


def test_a_worker_that_sees_all_begins(
    place: Place, registered: tuple[Path, str], tiny_task: Task, bubblewrap: Backend
) -> None:
    suite = ready_for(place, *registered, [tiny_task.id], has_store=True)
    assert tiny_task.id in suite.task_ids()


def test_a_worker_that_does_not_see_the_suite_says_who_and_where(place: Place, registered: tuple[Path, str]) -> None:
    folder, suite_hash = registered
    with pytest.raises(WorkerFault, match=f"the worker on {HERE} does not see the suite: {folder}x"):
        ready_for(place, folder.with_name(folder.name + "x"), suite_hash, [], has_store=True)
    with pytest.raises(WorkerFault, match=f"{HERE} sees another suite at {folder}"):
        ready_for(place, folder, "0" * 64, [], has_store=True)


def test_a_worker_that_does_not_see_the_store_makes_none(
    place: Place, registered: tuple[Path, str], tmp_path: Path
) -> None:
    elsewhere = place.model_copy(update={"store": str(tmp_path / "not-mounted")})
    with pytest.raises(WorkerFault, match=f"the worker on {HERE} does not see the store: .*not-mounted"):
        ready_for(elsewhere, *registered, [], has_store=True)
    assert not (tmp_path / "not-mounted").exists()
    other = place.model_copy(update={"store": str(tmp_path / "other")})
    other.open_store().close()
    with pytest.raises(WorkerFault, match=f"{HERE} sees another store at .*other"):
        ready_for(other, *registered, [], has_store=True)


def test_what_a_worker_does_not_see_is_not_tried_again() -> None:
    assert not is_worth_another_try(WorkerFault("no suite"))
    assert is_worth_another_try(RuntimeError("who knows"))


def test_paths_are_whole_for_workers_in_other_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(store="sqlite:///s/g.db", blobs="b", cache=Path("c")).absolute()
    assert place.store == f"sqlite:///{tmp_path}/s/g.db" and place.blobs == f"{tmp_path}/b"
    assert place.cache == tmp_path / "c"
    assert Place(store="s", cache=Path("c")).absolute().store == f"{tmp_path}/s"
    url = "postgresql+psycopg://me:secret@db/gristmill"
    remote = Place(store=url, blobs="s3://bucket/x", cache=Path("/c"))
    assert remote.absolute() == remote and remote.local_parts() == []
    assert "secret" not in remote.shown_store()


def test_how_far_others_are_is_asked_of_the_store(
    place: Place, registered: tuple[Path, str], tiny_task: Task, bubblewrap: Backend
) -> None:
    import asyncio

    from flows.batches import run_batch

    suite = open_suite(registered[0], cache=place.cache)
    request = RolloutRequest(suite=suite.folder, agents=(AgentRequest(agent="oracle"), AgentRequest(agent="nop")))
    work = [item for item in keys_of(request, suite, "bubblewrap") if item[0].task_id == tiny_task.id]
    asyncio.run(run_batch(work, suite=suite, place=place, models={}, jobs=2, on_done=lambda rollout: None))
    with place.open_store() as store:
        found = dict(outcomes_in(store, [*(key.id for key, _ in work), "not-there"]))
    assert found == {key.id: "solved" if key.agent == "oracle" else "failed" for key, _ in work}


def test_a_store_that_cannot_be_opened_names_the_worker(place: Place, registered: tuple[Path, str]) -> None:
    broken = place.model_copy(update={"store": "postgresql+psycopg://nobody@127.0.0.1:1/none", "blobs": "s3://b/x"})
    with pytest.raises(WorkerFault, match=f"the worker on {HERE} cannot open the store"):
        ready_for(broken, *registered, [], has_store=True)
    assert issubclass(StoreFault, Exception)
