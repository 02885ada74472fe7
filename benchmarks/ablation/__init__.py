"""Each piece of agents/memory and agents/strategies, switched on and off: `python benchmarks/ablations.py`.

`plan.py`: what is compared. `sets.py`: the tasks. `student.py`: the small model, tuned a little. `answers.py`: the
model's answers, kept. `bench.py`: rollouts, kept. `compared.py`: differences. `allocating.py`: AgentTTS.
"""
