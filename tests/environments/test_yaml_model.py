"""A file of settings is read whole, or told line by line what is wrong in it."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from environments.yaml_model import read_model


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int = 0


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    first: Part | None = None
    parts: tuple[Part, ...] = ()


class Fault(Exception):
    pass


def test_it_is_read_and_an_empty_one_is_of_defaults_where_that_may_be(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("first: {name: é}\n", encoding="utf-8")
    assert read_model(file, Whole, fault=Fault) == Whole(first=Part(name="é"))
    file.write_text("")
    assert read_model(file, Whole, fault=Fault, may_be_empty=True) == Whole()
    with pytest.raises(Fault, match=r"a\.yaml:1: expected a mapping with first, parts"):
        read_model(file, Whole, fault=Fault)


@pytest.mark.parametrize(
    "text, said",
    [
        ("first:\n  name: a\n  size: big\n", ":3: first.size: Input should be a valid integer"),
        ("first:\n  size: 1\n", ":2: first.name: Field required"),
        ("parts:\n  - name: a\n  - size: 1\n", ":3: parts.1.name: Field required"),
        ("first: {name: a}\nthird:\n  - {a: b}\n", ":2: third: Extra inputs are not permitted"),
        ("parts:\n  - name: a\n    more:\n      b: c\n", ":3: parts.0.more: Extra inputs are not permitted"),
        ("first: [\n", ":2: not YAML"),
        ("- a\n", ":1: expected a mapping with first, parts"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(Fault) as caught:
        read_model(file, Whole, fault=Fault)
    assert str(caught.value).startswith(f"{file}{said}")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("first: {size: x}\nmore: 1\n")
    with pytest.raises(Fault) as caught:
        read_model(tmp_path / "a.yaml", Whole, fault=Fault)
    assert len(str(caught.value).splitlines()) == 3


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"none\.yaml: cannot be read: No such file"):
        read_model(tmp_path / "none.yaml", Whole, fault=Fault)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Fault, match=r"b\.yaml: cannot be read: .*utf-8"):
        read_model(tmp_path / "b.yaml", Whole, fault=Fault)
