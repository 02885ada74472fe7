"""The report of a flywheel, for people: markdown and tables."""

from agents.training.significance import Comparison
from flows.flywheel.layout import Report


def matrix_rows(report: Report) -> list[dict[str, object]]:
    """One row a model: the untrained one, then the one of each round; a column a stage."""
    rows: list[dict[str, object]] = []
    for number, row in enumerate(report.continual.matrix):
        name = "untrained" if number == 0 else f"round {number} ({report.continual.trained[number - 1]})"
        rows.append({"after": name, **{stage: row.get(stage) for stage in report.continual.stages}})
    return rows


def overall_rows(report: Report) -> list[dict[str, object]]:
    """One row a stage: the untrained model against the last one."""
    return [{"stage": stage, **_shown(comparison)} for stage, comparison in report.overall.items()]


def round_rows(report: Report) -> list[dict[str, object]]:
    return [
        {
            "round": each.number,
            "stage": each.stage,
            "tasks": each.tasks,
            "came back": each.returned,
            "solved by student": each.solved_by_student,
            "by teacher": each.solved_by_teacher,
            "rows": each.rows,
            "loss": each.training.losses[-1],
            "train s": round(each.training.seconds),
            **_shown(each.comparison),
        }
        for each in report.rounds
    ]


def figures(report: Report) -> list[str]:
    """The continual-learning figures, a line each; those that are not defined are left out."""
    found = report.continual
    named = {
        "average accuracy": found.average_accuracy,
        "forgetting": found.forgetting,
        "backward transfer": found.backward_transfer,
        "forward transfer": found.forward_transfer,
    }
    return [f"{name}: {value:.3f}" for name, value in named.items() if value is not None]


def markdown(report: Report) -> str:
    """`report.md`."""
    parts = [
        f"# {report.name}",
        "Pass rates are on held-out tasks; intervals are Wilson's, 95 %; p is McNemar's exact test on the same tasks.",
        "## Rounds",
        _table(round_rows(report)),
        "## The untrained model against the last one",
        _table(overall_rows(report)),
        "## Accuracy after each round, by stage",
        _table(matrix_rows(report)),
        "\n".join(f"- {line}" for line in figures(report)),
        "Average accuracy, backward and forward transfer as in Lopez-Paz and Ranzato (2017), forgetting as in Chaudhry "
        "et al. (2018); accuracies before training are the untrained model's.",
        f"Model: `{report.model}`",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _shown(comparison: Comparison) -> dict[str, object]:
    def rate(value: float, interval: tuple[float, float]) -> str:
        return f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"

    return {
        "n": comparison.n,
        "before": rate(comparison.pass_before, comparison.before_interval),
        "after": rate(comparison.pass_after, comparison.after_interval),
        "p": f"{comparison.p_value:.2g}",
    }


def _table(rows: list[dict[str, object]]) -> str:
    if not rows:
        return ""
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
