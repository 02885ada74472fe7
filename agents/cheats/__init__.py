"""Scripted agents that try to get the reward without the work. A task that pays them is a broken task.

They know what any agent knows: the instruction, the tools, the sandbox. None is given the reference.
"""
