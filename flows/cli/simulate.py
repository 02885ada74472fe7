"""`gristmill simulate`: what a cluster would do with rollouts like those in the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import options
from flows.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from flows.scale.prediction import Figure, Prediction
    from flows.scale.recorded import Recording
    from flows.scale.sweep import Size


def add_to(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    cluster: Annotated[Path, typer.Argument(help="YAML: hosts, model servers, store (docs/scale.md).")],
    where: Annotated[
        str, typer.Option("--where", help="Which recorded rollouts to draw from, e.g. \"agent = 'react'\".")
    ] = "",
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", help="FIELD=A,B,…, e.g. hosts=10,50,200. Several: each value with each."),
    ] = None,
    rollouts: Annotated[
        int | None, typer.Option("-n", "--rollouts", min=1, help="Of a run. Default: three for each sandbox.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="Runs; their spread is the interval.")] = 5,
    most: Annotated[int, typer.Option("--most", min=1, help="Recorded rollouts that are read at most.")] = 1000,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Runs played at the same time.")] = None,
    seed: options.Seed = 0,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Predict throughput, cost and what breaks first, from recorded durations and a description of a cluster."""
    from flows.place import Place
    from flows.scale.cluster import load_cluster
    from flows.scale.prediction import predict
    from flows.scale.recorded import read_recording
    from flows.scale.sweep import sizes_of, sweep
    from flows.settings import load_settings

    spec = load_cluster(cluster)
    if vary:
        sizes_of(spec, vary)  # what is wrong is told before anything is read or played
    settings = load_settings(store=store, jobs=jobs)
    with Place.from_settings(settings).open_store() as opened:
        recording = read_recording(opened, where, most=most, seed=seed)
    if vary:
        found = sweep(spec, recording, vary, seeds=seeds, rollouts=rollouts, seed=seed, jobs=settings.jobs)
        if as_json:
            print_json({"sizes": [size.model_dump() for size in found], **_of_recording(recording)})
            return
        _print_recording(recording)
        _print_sweep(found)
        return
    prediction = predict(spec, recording, seeds=seeds, rollouts=rollouts, seed=seed, jobs=settings.jobs)
    if as_json:
        print_json({**prediction.model_dump(), **_of_recording(recording)})
        return
    _print_recording(recording)
    _print_prediction(prediction)


def _of_recording(recording: "Recording") -> dict[str, object]:
    return {
        "recorded": recording.count,
        "drawn_from": len(recording.stories),
        "recorded_at_a_time": round(recording.at_a_time, 2),
        "without_tool_times": recording.unsplit,
        "without_cpu_times": recording.without_cpu,
    }


def _print_recording(recording: "Recording") -> None:
    drawn, count = len(recording.stories), recording.count
    read = f"{drawn} of {count}" if drawn < count else str(count)
    print_line(f"drawn from {read} recorded rollouts, {recording.at_a_time:.1f} at a time when they were recorded")
    if recording.at_a_time > 1.5:
        print_line("  where they waited for each other then, that counts as waiting of their own: record with -j 1")
    if recording.unsplit:
        print_line(f"  {recording.unsplit} do not say how long tools took: that counts as the model's time")
    if recording.without_cpu:
        print_line(f"  {recording.without_cpu} do not say how much of it was computing: host.cpu_share counts")


def _print_prediction(found: "Prediction") -> None:
    print_line(f"{found.sandboxes} sandboxes at a time; {found.seeds} runs of {found.rollouts} rollouts")
    rows = [
        {"figure": "rollouts an hour", **_columns(found.rollouts_an_hour)},
        {"figure": "US dollars per 1,000 rollouts", **_columns(found.cost_per_1000)},
        {"figure": "a rollout, median, s", **_columns(found.median_sec)},
        {"figure": "a rollout, 95th percentile, s", **_columns(found.p95_sec)},
        {"figure": "over an undisturbed rollout", **_columns(found.stretch)},
    ]
    print_table("prediction", rows, ["figure", "mean", "low", "high"])
    parts = [
        {
            "part": part.name,
            "used": f"{part.utilisation.mean:.0%}",
            "wait s": part.wait_sec,
            "lost s": part.lost_sec,
            "allows an hour": part.most_an_hour and round(part.most_an_hour),
            "full at sandboxes": part.full_at_sandboxes and round(part.full_at_sandboxes),
        }
        for part in found.parts
    ]
    print_table(
        "parts, the fullest first", parts, ["part", "used", "wait s", "lost s", "allows an hour", "full at sandboxes"]
    )
    if found.is_full:
        print_line(f"bottleneck: {found.bottleneck}")
    else:
        print_line(f"bottleneck: {found.bottleneck}; no part is full")
    print_line(f"with more sandboxes at a time, what breaks first: {found.breaks_first}")


def _print_sweep(found: "list[Size]") -> None:
    rows = [
        {
            **{name: f"{value:g}" for name, value in size.fields.items()},
            "sandboxes": size.prediction.sandboxes,
            "rollouts an hour": round(size.prediction.rollouts_an_hour.mean),
            "95 %": f"{size.prediction.rollouts_an_hour.low:.0f}-{size.prediction.rollouts_an_hour.high:.0f}",
            "$ per 1,000": _number(size.prediction.cost_per_1000.mean),
            "p95 s": _number(size.prediction.p95_sec.mean),
            "gain": "" if size.gain is None else f"{size.gain:.0%}{' bends' if size.bends else ''}",
            "bottleneck": size.prediction.bottleneck,
            "used": f"{size.prediction.parts[0].utilisation.mean:.0%}" if size.prediction.is_full else "",
            "breaks first": size.prediction.breaks_first,
        }
        for size in found
    ]
    print_table("sweep", rows, list(rows[0]))


def _columns(found: "Figure") -> dict[str, str]:
    return {name: _number(getattr(found, name)) for name in ("mean", "low", "high")}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
