"""Training on what was exported: TRL and LoRA, on the CPU or a GPU, so that the data can be proved by their effect.

torch, transformers, trl, peft and gguf come with `gristmill[train]`; they are imported inside functions, in a process
of their own (`trainer.py`), so that nothing else pays for them.
"""
