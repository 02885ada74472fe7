"""A cluster is described in YAML; what is wrong in it is told with file, line and field."""

from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.scale.cluster import ClusterSpec, load_cluster
from flows.scale.sweep import sizes_of

WHOLE = """\
hosts: 200
host: {cores: 32, memory_gb: 128, sandboxes: 50, workers: 2, price_an_hour: 1.5}
model:
  replicas: 24
  concurrent: 64
  decode: {1: 80, 16: 900, 64: 2400}
  prefill: 12000
  price_an_hour: 4
store: {writes_a_second: 300, price_an_hour: 1}
api: {task_runs_a_second: 20}
"""


def read(folder: Path, text: str) -> ClusterSpec:
    file = folder / "cluster.yaml"
    file.write_text(text)
    return load_cluster(file)


def test_a_whole_cluster_is_read(tmp_path: Path) -> None:
    cluster = read(tmp_path, WHOLE)
    assert cluster.sandboxes == 10_000
    assert cluster.price_an_hour == 200 * 1.5 + 24 * 4 + 1


def test_memory_cuts_the_sandboxes_of_a_host(tmp_path: Path) -> None:
    host = read(tmp_path, WHOLE.replace("sandboxes: 50", "sandboxes: 50, sandbox_mb: 4096")).host
    assert (host.slots, host.is_cut_by_memory) == (32, True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cores: 32", "cores: 0", "cluster.yaml:2: host.cores: "),
        ("cores: 32, ", "", "cluster.yaml:2: host.cores: Field required"),
        ("prefill: 12000", "prefil: 12000", "cluster.yaml:7: model.prefil: Extra inputs"),
        ("replicas: 24", "replicas: many", "cluster.yaml:4: model.replicas: "),
        ("16: 900", "16: 9000", "cluster.yaml:6: model.decode: Value error, a larger batch can not"),
        ("writes_a_second: 300", "writes_a_second: -1", "cluster.yaml:9: store.writes_a_second: "),
        ("hosts: 200", "hosts: 90000", "cluster.yaml:1: cluster: Value error, more than 200000 sandboxes"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, WHOLE.replace(old, new))
    assert told in str(error.value)


def test_each_value_is_combined_with_each(tmp_path: Path) -> None:
    found = sizes_of(read(tmp_path, WHOLE), ["hosts=10,50", "model.replicas=2,4"])
    assert [fields for fields, _ in found] == [
        {"hosts": 10, "model.replicas": 2},
        {"hosts": 10, "model.replicas": 4},
        {"hosts": 50, "model.replicas": 2},
        {"hosts": 50, "model.replicas": 4},
    ]
    assert [(cluster.hosts, cluster.model and cluster.model.replicas) for _, cluster in found][2] == (50, 2)


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        ("hosts", "write FIELD=NUMBER"),
        ("hosts=ten", "write FIELD=NUMBER"),
        ("racks=1,2", "racks: Extra inputs"),
        ("host=1,2", "no such field with a number"),
        ("host.engine.size=1", "no such field with a number"),
        ("hosts=0", "hosts: Input should be greater than 0"),
        ("hosts=" + ",".join(map(str, range(1, 99))), "60 at most"),
    ],
)
def test_a_wrong_vary_is_told(tmp_path: Path, vary: str, told: str) -> None:
    with pytest.raises(UsageError, match=r".*--vary.*") as error:
        sizes_of(read(tmp_path, WHOLE), [vary])
    assert told in str(error.value)
