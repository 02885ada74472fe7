"""Programs that only look as if they solved a problem: the examples by heart, one output for all."""

import json


def memorised(examples: list[dict[str, str]]) -> str:
    """In Python: the examples' outputs, looked up."""
    table = {example["stdin"]: example["stdout"] for example in examples}
    return f"import sys\n\nprint({table!r}.get(sys.stdin.read(), '0'), end='')\n"


def constant(output: str, language: str) -> str:
    """A compiled program that prints one example's output whatever it reads."""
    text = json.dumps(output)
    if language == "java":
        return (
            "public class Solution {\n    public static void main(String[] args) {\n"
            f"        System.out.print({text});\n    }}\n}}\n"
        )
    return f'#include <stdio.h>\n\nint main() {{\n    printf("%s", {text});\n    return 0;\n}}\n'
