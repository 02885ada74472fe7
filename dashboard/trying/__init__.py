"""A page on which a person, or an agent, tries a template's tasks: the real sandbox, the real verifier.

    app = create_app(Trial(template, backend, cache=cache, scratch=scratch))

One template file is enough to make tasks, try them here, and evaluate a model on them (Kiela et al., Dynatask, 2022).
"""

from dashboard.trying.app import create_app
from dashboard.trying.trial import Trial

__all__ = ["Trial", "create_app"]
