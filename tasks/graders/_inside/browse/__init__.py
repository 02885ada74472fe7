"""A browser to be driven step by step: `python3 -m browse`. Runs inside sandboxes, with the standard library only.

The same package lies in the workspace of agents and is used by the grader `page`, so that what an agent tried is what
is replayed. It drives headless Chromium over a pipe (the DevTools protocol), or by Playwright where that is installed.
"""

MODULES = (
    "__init__",
    "__main__",
    "chromium",
    "devtools",
    "engine",
    "page_script",
    "playwright_engine",
    "steps",
    "replay",
)
