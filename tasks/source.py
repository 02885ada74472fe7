"""Sources: a repository snapshot, taken once, content-addressed, with licence and revision.

`fetch_source` understands pypi:NAME==VERSION (the sdist, fetched with pip), git+URL@REV, and a path.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Source(BaseModel):
    """A snapshot on this machine, under `CACHE/sources/HASH/`.

    `code` holds everything but the protected files; `protected` holds only those (tests, conftest,
    CI and build configuration that judge a solution); laid over one another they are the repository.
    Neither is ever written to after it was made.
    """

    model_config = ConfigDict(frozen=True)

    spec: str = Field(description="as the user gave it")
    hash: str = Field(description="sha256 over sorted paths, modes and contents of the whole tree")
    name: str = Field(description="repository or distribution name, e.g. sqlparse")
    revision: str
    license: str
    code: Path
    protected: Path

    def python_files(self) -> list[str]:
        """Paths of importable, non-test Python files, relative, sorted."""
        raise NotImplementedError


def fetch_source(spec: str, *, cache: Path) -> Source:
    """Take the snapshot, or find it in the cache. Raises BadSource with what to do."""
    raise NotImplementedError
