"""The libraries of the extra `train`, untyped: without it they are not there, and with it they are typed in part."""

from importlib import import_module
from typing import Any

from agents.training.errors import TrainingFault


def library(name: str) -> Any:
    """Raises TrainingFault saying how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise TrainingFault(f"training needs {error.name}: make train (or pip install 'gristmill[train]')") from error
