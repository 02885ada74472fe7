"""Tasks made of the tiny repository and a bug of the test's own."""

from pathlib import Path

from environments import Backend, Diff, FileChange, running
from tasks.folder import RepositoryTask, read_task, write_repository_task
from tasks.repository import Repository
from tasks.task import Provenance, Task
from tasks.testrun import run_tests
from tasks.verifiers.data import PytestData


class Broken:
    """Makes tasks of the tiny repository with a bug of one's own; `shown`: how many failing tests may be seen."""

    def __init__(self, repository: Repository, backend: Backend, folder: Path, cache: Path) -> None:
        self.repository, self.backend, self.folder, self.cache = repository, backend, folder, cache

    async def by(self, path: str, clean: str, bug: str, shown: int | None = None) -> Task:
        before = (self.repository.source.code / path).read_bytes()
        buggy = before.replace(clean.encode(), bug.encode())
        assert buggy != before
        async with running(self.backend, self.repository.verifier_spec()) as sandbox:
            await sandbox.write_files({path: buggy})
            report = await run_tests(sandbox, self.repository.stable_tests, timeout_sec=60)
        failing = tuple(result.node_id for result in report.results if result.outcome != "passed")
        source = self.repository.source
        draft = RepositoryTask(
            id="tinylib-broken",
            instruction="Some tests fail. Make them pass.",
            provenance=Provenance(source=source.spec, source_hash=source.hash, repository=source.name),
            files={path: buggy},
            reference=Diff(changes=(FileChange(path=path, before=buggy, after=before),)),
            verifier_data=PytestData(
                fail_to_pass=failing,
                stable_tests=self.repository.stable_tests,
                shown=failing[:shown],
                import_paths=self.repository.recipe.import_paths,
                per_test_timeout_sec=5.0,
            ),
        )
        write_repository_task(draft, self.repository, self.folder / draft.id)
        return read_task(self.folder / draft.id, cache=self.cache)
