"""Which batches Prefect tries again, in the same worker."""

from typing import Any

from flows.engines.worker import is_worth_another_try


def has_other_reasons(_task: object, _run: object, state: Any) -> bool:
    """Prefect's `retry_condition_fn`: false where the next try would see the same."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, BaseException) or is_worth_another_try(error)
