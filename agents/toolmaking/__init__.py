"""Tools made from solved tasks (CRAFT, Yuan et al. 2023): abstracted, validated, de-duplicated, retrieved later.

`made_tool.py`: what a made tool is; `abstraction.py`: values to parameters, by rule; `naming.py`: by a model;
`binding.py`: what its parameters are in another task; `making.py`: the re-run in a fresh sandbox that decides;
`toolset.py`: the folder that keeps them, and retrieval by three views; `agent.py`: an agent that uses nothing else.
"""
