"""Programs that graders run in the sandbox's own Python: each reads one JSON request and prints one JSON answer.

They import the standard library only, and nothing of each other: a grader hands the text over with `python3 -c`.
"""
