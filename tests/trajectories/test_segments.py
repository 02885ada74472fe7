"""Bodies in segments: durable together, read by range, merged and mended; local and in an object store."""

import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import update

from tests.trajectories.conftest import make_rollout
from trajectories import segments
from trajectories.backup import backup, restore
from trajectories.compaction import compact
from trajectories.errors import CorruptBlob, StoreFault
from trajectories.frames import name_of, pack
from trajectories.segments import Place, Segments
from trajectories.store import Store, open_store
from trajectories.tables import RolloutRow
from trajectories.upkeep import fsck, gc

BODIES = [b'{"number": %d}' % number for number in range(3)]


def written(at: Segments, *bodies: bytes) -> list[Place]:
    with at.appended([pack(body) for body in bodies]) as places:
        return places


def files(store: Store) -> list[segments.SegmentFile]:
    return list(store.segments.files())


def test_bodies_come_back_by_their_place(tmp_path: Path) -> None:
    at = Segments(str(tmp_path))
    places = written(at, *BODIES[:2]) + written(at, BODIES[2])
    assert len({place.segment for place in places}) == 1
    for place, body in zip(places, BODIES, strict=True):
        assert at.get(place, name_of(body), wanted_by="test") == body
    with pytest.raises(CorruptBlob, match="rollout x: its body is not what was written"):
        at.get(places[0], name_of(BODIES[1]), wanted_by="rollout x")


def test_a_segment_is_a_compressed_file_of_json_lines(tmp_path: Path) -> None:
    at = Segments(str(tmp_path))
    (place, *_) = written(at, *BODIES)
    with (tmp_path / "segments" / f"{place.segment}.jsonl.zst").open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    assert [json.loads(line)["number"] for line in text.splitlines()] == [0, 1, 2]


def test_full_and_idle_segments_are_appended_to_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = Segments(str(tmp_path))
    first, second = written(at, BODIES[0])[0], written(at, BODIES[1])[0]
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 10)
    third = written(at, BODIES[2])[0]
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 1 << 20)
    monkeypatch.setattr(segments, "IDLE_SEC", -1.0)
    assert len({first.segment, second.segment, third.segment, written(at, BODIES[0])[0].segment}) == 3


def _write_one(at: Segments, folder: Path) -> None:
    (folder / "place").write_text(json.dumps(written(at, BODIES[1])[0]))


def test_a_forked_child_writes_to_a_segment_of_its_own(tmp_path: Path) -> None:
    at = Segments(str(tmp_path))
    (mine,) = written(at, BODIES[0])
    child = multiprocessing.get_context("fork").Process(target=_write_one, args=(at, tmp_path))
    child.start()
    child.join()
    place = Place(*json.loads((tmp_path / "place").read_text()))
    assert place.segment != mine.segment
    assert at.get(place, name_of(BODIES[1]), wanted_by="test") == BODIES[1]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "segments").write_text("a file")
    with pytest.raises(StoreFault, match="bodies cannot be written"):
        written(Segments(str(tmp_path)), b"x")


def test_a_batch_is_written_once_and_whole(store: Store) -> None:
    rollouts = [make_rollout(f"t{number}") for number in range(5)]
    assert store.record(rollouts[2])
    assert store.record_batch(rollouts) == [True, True, False, True, True]
    assert store.record_many(iter(rollouts)) == 0
    assert [store.load(rollout.key.id) for rollout in rollouts] == rollouts


def test_within_a_batch_a_known_outcome_wins(store: Store) -> None:
    lost, known, later = make_rollout(reward=0.0, error="lost"), make_rollout(), make_rollout(reward=0.0)
    assert store.record_batch([lost, known, later]) == [True, True, False]
    (row,) = store.rollouts()
    assert (row.is_unknown, row.tries, row.reward) == (False, 2, 1.0)
    assert fsck(store).faults == []


def scattered(store: Store, count: int = 4) -> None:
    """A segment a rollout, as many short processes leave them."""
    for number in range(count):
        store.record(make_rollout(f"t{number}"))
        store.segments.close()


def test_small_segments_are_merged(store: Store) -> None:
    scattered(store)
    rollouts = {row.id: store.body(row) for row in store.rollouts()}
    stale = list(store.rollouts())
    done = compact(store, young_sec=-1)
    assert (done.moved, done.segments, len(files(store))) == (4, 4, 1)
    assert {row.id: store.body(row) for row in store.rollouts()} == rollouts
    assert {row.id: store.body(row) for row in stale} == rollouts, "rows read before are looked up again"
    assert compact(store, young_sec=-1).moved == 0, "one segment is merged with nothing"


def test_what_is_young_or_being_written_is_left_alone(store: Store) -> None:
    scattered(store)
    assert compact(store, young_sec=3600).moved == 0
    store.record(make_rollout("mine"))  # this process holds its segment
    assert compact(store, young_sec=-1).moved == 4
    assert len(files(store)) == 2 and fsck(store).faults == []


def test_a_half_empty_segment_is_written_anew(store: Store) -> None:
    rollouts = [make_rollout(f"t{number}", reward=float(number == 0)) for number in range(4)]
    store.record_batch(rollouts)
    store.segments.close()
    before = files(store)[0].size
    assert gc(store, keep_days=1, where="reward = 0", young_sec=-1).rollouts == 3
    assert fsck(store).slack > before / 2
    done = compact(store, young_sec=-1)
    assert done.moved == 1 and done.bytes > before / 2 and fsck(store).slack == 0
    assert store.load(rollouts[0].key.id) == rollouts[0]


def test_blobs_of_earlier_versions_are_read_and_compacted(store: Store) -> None:
    rollouts = [make_rollout(f"t{number}") for number in range(3)]
    store.record_batch(rollouts)
    for row in list(store.rollouts()):
        store.blobs.put(store.body_text(row))
    with store.writing() as session:
        session.execute(update(RolloutRow).values(body_segment="", body_start=0, body_length=0))
        session.commit()
    assert [store.load(rollout.key.id) for rollout in rollouts] == rollouts
    store.segments.close()
    done = compact(store, young_sec=-1)
    assert (done.moved, done.blobs, list(store.blobs.names())) == (3, 3, [])
    assert [store.load(rollout.key.id) for rollout in rollouts] == rollouts
    assert fsck(store).faults == []


def test_a_body_that_was_changed_stays_where_fsck_finds_it(store: Store) -> None:
    scattered(store, 2)
    (victim, *_) = files(store)
    path = store.segments.local_path(victim.name)
    assert path is not None
    path.write_bytes(b"\0" * victim.size)
    done = compact(store, young_sec=-1)
    assert (done.corrupt, done.moved) == (1, 1) and path.exists()
    assert [fault.kind for fault in fsck(store, is_repairing=True, young_sec=-1).faults] == ["lost-body"]
    assert fsck(store).faults == [] and not path.exists()


def test_fsck_cuts_torn_tails_and_removes_what_no_row_points_at(store: Store) -> None:
    rollout = make_rollout()
    store.record(rollout)
    written(store.segments, b"its writer was killed before the row")
    scattered(store, 0)
    with store.segments.appended([pack(b"another")]):
        assert fsck(store, is_repairing=True, young_sec=-1).cut == 0, "held by a writer: it may be about to commit"
    store.segments.close()
    written(other := Segments(store.segments.url), b"of no rollout")
    other.close()
    found = fsck(store, is_repairing=True, young_sec=-1)
    assert found.faults == [] and found.cut > 0 and found.removed == 1
    assert fsck(store).slack == 0 and store.load(rollout.key.id) == rollout


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3-compatible server on loopback."""
    pytest.importorskip("s3fs", reason="pip install 'gristmill[s3]'")
    server = pytest.importorskip("moto.server", reason="pip install 'moto[server]'")
    import s3fs

    running = server.ThreadedMotoServer(port=0)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("gristmill")
        yield "s3://gristmill"
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


def test_bodies_in_an_object_store(bucket: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gristmill.db'}"
    with open_store(url, blobs=f"{bucket}/{tmp_path.name}") as store:
        rollouts = [make_rollout(f"t{number}") for number in range(4)]
        store.record_batch(rollouts[:2])
        store.record(rollouts[2])
        store.record(rollouts[3])
        written(store.segments, b"of no rollout")
        assert len(files(store)) == 4
        assert fsck(store).slack > 0
        done = compact(store, young_sec=-1)
        assert (done.moved, len(files(store))) == (4, 1)
        assert [store.load(rollout.key.id) for rollout in rollouts] == rollouts
        assert backup(store, tmp_path / "backup").blobs == 4
        assert fsck(store).faults == []
        store.segments.remove(files(store)[0].name)
        assert len(fsck(store, is_repairing=True).faults) == 4
    with open_store(f"sqlite:///{tmp_path / 'back.db'}", blobs=f"{bucket}/{tmp_path.name}-back") as back:
        assert restore(tmp_path / "backup", back).rollouts == 4
        assert [back.load(rollout.key.id) for rollout in rollouts] == rollouts
