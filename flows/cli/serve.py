"""`gristmill serve`: a model on this machine, behind OpenAI's API, until Ctrl-C."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.output import print_line


def add_to(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    model: Annotated[str, typer.Argument(help="`local`, a name of gristmill.yaml, a GGUF file, a folder, OWNER/NAME.")],
    kind: Annotated[str, typer.Option("--kind", help="auto, vllm, sglang, transformers or llama.cpp.")] = "auto",
    name: Annotated[str | None, typer.Option("--name", help="What clients call it. Default: of MODEL.")] = None,
    replicas: Annotated[int, typer.Option("--replicas", min=1, help="Servers of it, on ports that follow.")] = 1,
    port: Annotated[int, typer.Option("--port", min=0, help="Of the first one; 0: free ones.")] = 8000,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0: others may come.")] = "127.0.0.1",
    lora: Annotated[list[str] | None, typer.Option("--lora", help="NAME=PATH of an adapter, or several.")] = None,
    context: Annotated[int | None, typer.Option("--context", min=256, help="Tokens of a conversation.")] = None,
    slots: Annotated[int | None, typer.Option("--slots", min=1, help="Answers at a time, of a replica.")] = None,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="Of a replica (vLLM, SGLang).")] = 1,
    tool_parser: Annotated[str, typer.Option("--tool-parser", help="Of native tool calls, e.g. hermes.")] = "",
    tool_calling: Annotated[str | None, typer.Option("--tool-calling", help="native or json.")] = None,
    flag: Annotated[list[str] | None, typer.Option("--flag", help="A further flag of the server's own.")] = None,
    logs: Annotated[Path | None, typer.Option("--logs", help="Folder of the servers' output.")] = None,
    startup: Annotated[float, typer.Option("--startup", min=1, help="Seconds until it must be healthy.")] = 600.0,
    print_command: Annotated[bool, typer.Option("--print-command", help="Print the commands; start nothing.")] = False,
) -> None:
    """Start it, wait until it is healthy, print its entry for gristmill.yaml; a server that dies is started again."""
    import asyncio

    from flows.serving import adapters, config_of

    config = config_of(
        model,
        kind=kind,
        name=name,
        replicas=replicas,
        port=port,
        host=host,
        lora=adapters(lora or ()),
        context_length=context,
        slots=slots,
        gpus=gpus,
        tool_parser=tool_parser,
        tool_calling=tool_calling,
        extra=tuple(flag or ()),
        logs=logs or Path(".gristmill") / "serve",
        startup_sec=startup,
    )
    if print_command:
        import shlex

        from agents.serving import get_server, kind_of

        chosen = config.model_copy(update={"kind": kind_of(config)})
        for number in range(replicas):
            server = get_server(chosen.kind)
            variables = [f"{name}={value}" for name, value in server.environment(chosen, number).items()]
            print_line(" ".join([*variables, shlex.join(server.command(chosen, number, port + number))]))
        return
    asyncio.run(_serve(config))


async def _serve(config: "object") -> None:
    import asyncio
    import signal

    from agents.serving import Fleet, ServeConfig
    from agents.serving.errors import ServingFault
    from flows.serving import as_yaml

    assert isinstance(config, ServeConfig)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)

    starting = Fleet(config, on_event=_tell)
    _tell(f"starting {config.name} by {starting.config.kind}; its output: {config.logs}")
    up = asyncio.create_task(starting.__aenter__())
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({up, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not up.done():  # Ctrl-C while it loads: cancelled, it stops what it has started
        up.cancel()
        await asyncio.gather(up, return_exceptions=True)
        return
    fleet = up.result()
    try:
        print_line(as_yaml(fleet.models).rstrip())
        sys.stdout.flush()
        for replica in fleet.replicas:
            _tell(f"{config.name}: healthy at {replica.url}")
        _tell("ready; put this into gristmill.yaml and give --model NAME. Ctrl-C ends it")
        lost = asyncio.create_task(fleet.given_up())
        await asyncio.wait({waiting, lost}, return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        if not ended.is_set():
            raise ServingFault(f"no server of {config.name} is left; the end of their output: {config.logs}")
    finally:
        await fleet.__aexit__(None, None, None)


def _tell(text: str) -> None:
    sys.stderr.write(f"serve: {text}\n")
    sys.stderr.flush()
