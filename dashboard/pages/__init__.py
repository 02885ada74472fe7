"""The pages, one module each, in the order of the menu.

A page is a module with `router: APIRouter` and, if it wants to be in the menu, `MENU = ("Title", "/path")`.
"""

from types import ModuleType

from dashboard.pages import (
    clusters,
    compare,
    exports,
    health,
    login,
    matrix,
    metrics,
    overview,
    quality,
    review,
    rollout,
    rollouts,
    suites,
    tasks,
)

PAGES: tuple[ModuleType, ...] = (
    overview,
    suites,
    tasks,
    rollouts,
    matrix,
    rollout,
    compare,
    clusters,
    review,
    exports,
    quality,
    login,
    health,
    metrics,
)
