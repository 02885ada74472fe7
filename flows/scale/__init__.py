"""What a cluster would do: recorded rollouts, played again on hosts that are not there. Plain code, no Prefect.

recorded.py reads durations from the store, cluster.py a description of hosts and model servers from YAML, simulation.py
plays one run as discrete events (clock, gate, cores, model_server), prediction.py repeats it over seeds and says what
it means, sweep.py over sizes. docs/scale.md says what was measured, what is assumed, and how far off it was.
"""
