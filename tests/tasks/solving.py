"""What becomes of an agent's files on a candidate that was accepted: the checks of its verifier, by real runs."""

from collections.abc import Mapping

from environments import Backend, running
from tasks.candidate import Candidate
from tasks.decisions import Validated
from tasks.repository import Repository
from tasks.testrun import run_tests
from tasks.validation import validate_candidate


async def accepted(candidate: Candidate, repository: Repository, backend: Backend) -> Validated:
    """The validated candidate; the assertion shows why it was refused."""
    result = await validate_candidate(candidate, repository, backend)
    assert isinstance(result, Validated), result
    return result


async def unsolved(
    validated: Validated, written: Mapping[str, bytes], repository: Repository, backend: Backend
) -> dict[str, str]:
    """Tests that do not pass after an agent has written these files, up to the first that fails: id -> why.

    Empty: solved.
    """
    candidate = validated.candidate
    tests = [*validated.fail_to_pass, *validated.pass_to_pass]
    async with running(backend, repository.verifier_spec()) as sandbox:
        await sandbox.write_files({**candidate.files, **written, **candidate.hidden})
        report = await run_tests(sandbox, tests, timeout_sec=200, per_test_timeout_sec=30, stop_at_first_failure=True)
    said = {result.node_id: result.longrepr or result.outcome for result in report.results}
    return {test: said.get(test, "did not run") for test in tests if report.outcome(test) != "passed"}
