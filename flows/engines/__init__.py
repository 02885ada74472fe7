"""Where batches run: in this process, or on a cluster of Ray or Dask through Prefect's own task runners.

One setting chooses (`setting.py`): `local`, `ray`, `dask`, or the address of a cluster. No scheduler of ours: which
machine takes a batch, and what becomes of a batch whose machine dies, is the cluster's business. Only `cluster.py`
knows the task runners, and imports them when a flow asks for them.
"""

from flows.engines.setting import Engine, EngineName, read_engine

__all__ = ["Engine", "EngineName", "read_engine"]
