"""The `gristmill` command. One file a command; heavy imports happen inside the command that needs them.

Results go to stdout, progress and logs to stderr. Exit 0: done; 1: done, but something failed that the
user asked to be told about, or the infrastructure failed; 2: wrong usage or input.
"""

import sys

import typer

from flows.cli import (
    ask,
    audit,
    contamination,
    dashboard,
    dataset,
    doctor,
    down,
    environment,
    export,
    extend,
    flywheel,
    generate,
    inspect,
    memory,
    models,
    query,
    rollout,
    run,
    schedules,
    serve,
    show,
    simulate,
    store,
    swebench,
    try_,
    up,
    validate,
)

app = typer.Typer(
    name="gristmill",
    help="Repositories and templates in, verified tasks and training trajectories out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

COMMANDS = (
    *(generate, try_, extend, validate, audit, rollout, ask, export, environment, run, flywheel),  # the way of the data
    *(up, down, schedules, dashboard),
    *(show, inspect, query, simulate, dataset, memory, store, models, serve, contamination, swebench, doctor),
)
for module in COMMANDS:
    module.add_to(app)


def main() -> None:
    """Entry point: every error that a person can mend is one message and an exit code, never a traceback."""
    from agents.errors import AgentFault, UnknownAgent
    from environments.errors import BackendAway, BackendUnavailable, EnvironmentFault, UnsupportedSpec
    from flows.errors import FlowFault, UsageError
    from flows.quiet import foreign_code_is_not_warned_of
    from flows.terminated import EXIT_INTERRUPTED, EXIT_TERMINATED, Terminated
    from tasks.errors import BadContaminationList, BadInstance, BadSource, BadTaskFolder, TaskFault, UnknownGenerator
    from trajectories.errors import (
        BadBackup,
        BadDataset,
        BadExport,
        BadFilter,
        BadImport,
        BadQuery,
        BadQuestion,
        BadSelection,
        NotInStore,
        StoreFault,
    )

    wrong_input = (
        UsageError,
        BadInstance,
        BadSource,
        BadTaskFolder,
        BadContaminationList,
        UnknownGenerator,
        UnknownAgent,
        BackendUnavailable,
        UnsupportedSpec,
        BadFilter,
        BadExport,
        BadSelection,
        BadQuestion,
        BadQuery,
        BadImport,
        BadBackup,
        BadDataset,
        NotInStore,
    )
    foreign_code_is_not_warned_of()
    try:
        app()
    except BackendAway as error:  # it was there: nothing is wrong with the command
        _fail(error, 1)
    except wrong_input as error:
        _fail(error, 2)
    except (EnvironmentFault, FlowFault, TaskFault, AgentFault, StoreFault) as error:
        _fail(error, 1)
    except (KeyboardInterrupt, SystemExit) as end:  # Typer makes an exit with this code of the former, without a word
        if isinstance(end, SystemExit) and end.code != EXIT_INTERRUPTED:
            raise
        print("interrupted; the same command goes on where it was", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_INTERRUPTED)
    except Terminated:
        print("ended by SIGTERM; the same command goes on where it was", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_TERMINATED)


def _fail(error: Exception, code: int) -> None:
    print(f"gristmill: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(code)
