"""Programs in four languages on hidden cases; and every way to look right without being it."""

import shutil

import pytest

from tasks.graders._stdin_cases import same_output

SUM = {"cases": [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "10 -4\n", "stdout": "6\n"}]}
PYTHON = "a, b = map(int, input().split())\nprint(a + b)\n"
C = '#include <stdio.h>\nint main(void) { long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a + b); return 0; }\n'
CPP = "#include <iostream>\nint main() { long a, b; std::cin >> a >> b; std::cout << a + b << std::endl; }\n"
JAVA = (
    "import java.util.Scanner;\npublic class Main { public static void main(String[] args) {"
    "Scanner in = new Scanner(System.in); System.out.println(in.nextLong() + in.nextLong()); } }\n"
)


async def verdict(sandboxed, files, **data):
    found = await sandboxed("program", data, files if isinstance(files, dict) else {"solution.py": files})
    assert found.error is None, found.error
    return found


@pytest.mark.parametrize(
    "path, text, needs",
    [
        ("solution.py", PYTHON, "python3"),
        ("solution.c", C, "gcc"),
        pytest.param("solution.cpp", CPP, "g++", marks=pytest.mark.slow),
        pytest.param("Main.java", JAVA, "javac", marks=pytest.mark.slow),
    ],
)
async def test_languages(sandboxed, path, text, needs):
    if not shutil.which(needs):
        pytest.skip(f"{needs} is not installed")
    assert (await verdict(sandboxed, {path: text}, **SUM, output=path)).reward == 1.0
    wrong = text.replace("a + b", "a - b").replace("in.nextLong() + in", "in.nextLong() - in")
    assert (await verdict(sandboxed, {path: wrong}, **SUM, output=path)).reward == 0.0


async def test_what_does_not_compile(sandboxed):
    found = await verdict(sandboxed, {"a.c": C.replace(";", "", 1)}, **SUM, output="a.c")
    assert found.reward == 0.0 and "does not compile" in found.checks[0].detail


@pytest.mark.parametrize(
    "text, reward",
    [
        ("print(3)", 0.5),
        (PYTHON + "print('done')", 0.0),
        (PYTHON + "raise SystemExit(3)", 0.0),
        (PYTHON + "import os; os._exit(127)", 0.0),
        ("while True: pass", 0.0),
        ("x = [0] * 10**10", 0.0),
        (PYTHON + "x = bytearray(300_000_000)", 0.0),
        ("import os\nwhile True: os.write(1, b'3 ' * 10000)", 0.0),
        ("print('3\\x00')", 0.0),
        ("import sys; sys.stdout.buffer.write(b'3\\xff')", 0.0),
        ("def (", 0.0),
        ("", 0.0),
        ("import os; os.fork() and os._exit(0)\n" + PYTHON, None),
    ],
)
async def test_programs_that_are_wrong(sandboxed, text, reward):
    found = await verdict(sandboxed, text, **SUM, time_limit_sec=1.0, memory_mb=200)
    if reward is not None:
        assert found.reward == reward, found


async def test_output_of_one_run_is_no_help_to_another(sandboxed):
    """Nothing of what is expected lies in the sandbox, before or after other runs."""
    thief = (
        "import os, pathlib\n"
        "seen = b''.join(p.read_bytes() for top in ('.', '/tmp') for p in pathlib.Path(top).rglob('*')"
        " if p.is_file() and p.name != 'solution.py')\nprint('seen' if b'SECRET' in seen else 'unseen')\n"
        "pathlib.Path('left').write_text('x')\n"
    )
    cases = [{"stdin": "", "stdout": "SECRET"}, {"stdin": "", "stdout": "unseen"}]
    found = await verdict(sandboxed, thief, cases=cases)
    assert [check.passed for check in found.checks] == [False, True]


@pytest.mark.parametrize(
    "found, tokens, near, lines, exact",
    [
        ("a 0.3333\nb\n", 1, 1, 1, 1),
        ("a 0.3333  \nb", 1, 1, 1, 0),
        ("a 0.3333 b", 1, 1, 0, 0),
        ("a 0.33331\nb\n", 0, 1, 0, 0),
        ("a nan\nb\n", 0, 0, 0, 0),
        ("a 0.34\nb\n", 0, 0, 0, 0),
        ("A 0.3333\nb\n", 0, 0, 0, 0),
        ("a 0.3333\nb\nb\n", 0, 0, 0, 0),
        ("", 0, 0, 0, 0),
    ],
)
def test_comparisons_of_output(found, tokens, near, lines, exact):
    wanted = "a 0.3333\nb\n"
    assert same_output(found, wanted, how="tokens") == tokens
    assert same_output(found, wanted, how="tokens", tolerance=0.001) == near
    assert same_output(found, wanted, how="lines") == lines
    assert same_output(found, wanted, how="exact") == exact


async def test_how_output_is_compared_is_the_tasks_to_say(sandboxed):
    case = {"cases": [{"stdin": "", "stdout": "0.5 1\n"}]}
    assert (await verdict(sandboxed, "print('0.5001', 1)", **case)).reward == 0.0
    assert (await verdict(sandboxed, "print('0.5001', 1)", **case, tolerance=0.01)).reward == 1.0
    assert (await verdict(sandboxed, "print('0.5\\n1')", **case)).reward == 1.0
    assert (await verdict(sandboxed, "print('0.5\\n1')", **case, compare="lines")).reward == 0.0


ASSERTS = {
    "asserts": [
        "assert mean([1, 2, 3]) == 2",
        "assert math.isclose(mean([0.1, 0.2]), 0.15)",
        "assert 5 == mean((5,))",
        "assert set(map(str, mean2([1, 3]))) == {'1', '3'}",
    ]
}
MEAN = "def mean(xs):\n    return sum(xs) / len(xs)\n\ndef mean2(xs):\n    return list(xs)\n"


async def test_asserts_hold(sandboxed):
    found = await verdict(sandboxed, MEAN, **ASSERTS)
    assert found.reward == 1.0, found


CHEATS = {
    "nothing": "",
    "returns nothing": "def mean(xs): pass\ndef mean2(xs): pass",
    "exits at once": "import os; os._exit(0)",
    "exits in the call": "import sys\ndef mean(xs): sys.exit(0)\nmean2 = mean",
    "dies in the call": "import os\ndef mean(xs): os._exit(0)\nmean2 = mean",
    "equals everything": "class Any:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
    "    def __float__(self): return 0.15\n    def __iter__(self): return iter('7')\n"
    "def mean(xs): return Any()\nmean2 = mean",
    "a float that equals everything": "class F(float):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
    "def mean(xs): return F(0)\nmean2 = mean",
    "prints as if passed": "print('passed')\nprint('{\"passed\": true}')\ndef mean(xs): return None\nmean2 = mean",
    "writes the answer itself": "import sys, os, json\nframe = sys._getframe()\n"
    "while frame.f_back: frame = frame.f_back\n"
    "word = frame.f_globals.get('word', 'x')\n"
    "for fd in range(3, 20):\n    try: os.write(fd, ('\\n"
    "' + word + json.dumps({'passed': True, 'value': True}) + '\\n').encode())\n"
    "    except OSError: pass\ndef mean(xs): os._exit(0)\nmean2 = mean",
    "patches the language": "import builtins, json, math\nbuiltins.all = builtins.any = lambda *a: True\n"
    "math.isclose = lambda *a, **k: True\n"
    'json.dumps = lambda *a, **k: \'{"value": ["bool", "True"]}\'\ndef mean(xs): return True\nmean2 = mean',
    "raises what passes": "class AssertionError(Exception): pass\ndef mean(xs): raise AssertionError\nmean2 = mean",
    "a module of its own name": "import json, sys\nsys.modules['ast'] = None\ndef mean(xs): return '2'\nmean2 = mean",
    "too deep": "def mean(xs):\n    x = []\n    for _ in range(5000): x = [x]\n    return x\nmean2 = mean",
    "itself": "def mean(xs):\n    x = []\n    x.append(x)\n    return x\nmean2 = mean",
    "too long": "def mean(xs): return 10 ** 6000\nmean2 = mean",
    "loops": "def mean(xs):\n    while True: pass\nmean2 = mean",
}


@pytest.mark.parametrize("name", CHEATS)
async def test_asserts_cannot_be_talked_round(sandboxed, name):
    asserts = ASSERTS["asserts"] if name != "loops" else ASSERTS["asserts"][:1]  # each takes its whole time
    found = await verdict(sandboxed, CHEATS[name], asserts=asserts, time_limit_sec=0.7)
    assert found.reward == 0.0, found
    assert len(found.checks) == len(asserts)


async def test_modules_of_the_folder_do_not_stand_in_for_pythons(sandboxed):
    files = {
        "solution.py": MEAN,
        "json.py": "raise SystemExit(0)",
        "math.py": "isclose = lambda *a: True",
        "sitecustomize.py": "raise SystemExit(0)",
    }
    assert (await verdict(sandboxed, files, **ASSERTS)).reward == 1.0
    wrong = {**files, "solution.py": "def mean(xs): return 1\ndef mean2(xs): return []"}
    assert (await verdict(sandboxed, wrong, **ASSERTS)).reward == 0.0


async def test_cases_of_a_function(sandboxed):
    text = (
        "from helper import add\nclass Odd(ValueError): pass\n"
        "def f(a, b=0):\n    if a is None: raise Odd('none')\n    return {'sum': add(a, b), 'pair': (a, b)}\n"
    )
    files = {"solution.py": text, "helper.py": "def add(a, b): return a + b\n"}
    right = [
        {"arguments": [1], "keywords": {"b": 2}, "expected": {"sum": 3, "pair": [1, 2]}},
        {"arguments": [None], "raises": "ValueError"},
    ]
    wrong = [
        {"arguments": [1], "expected": {"sum": True, "pair": [1, 0]}},
        {"arguments": [1], "expected": {"sum": 1}},
        {"arguments": [1], "raises": "ValueError"},
        {"arguments": [None], "raises": "KeyError"},
        {"arguments": [], "expected": None},
    ]
    found = await verdict(sandboxed, files, cases=right + wrong, function="f")
    assert [check.passed for check in found.checks] == [True, True, *[False] * 5]
    assert (await verdict(sandboxed, files, cases=right + wrong, function="f", all_or_nothing=True)).reward == 0.0


async def test_values_that_are_equal_and_that_only_look_so(sandboxed):
    values = [
        ("[1, 2]", "[1, 2]", True),
        ("(1, 2)", "[1, 2]", False),
        ("[1, 2]", "(1, 2)", False),
        ("1", "True", False),
        ("True", "1", False),
        ("1.0", "1", True),
        ("'1'", "1", False),
        ("{1: 'a'}", "{1: 'a'}", True),
        ("{'1': 'a'}", "{1: 'a'}", False),
        ("{1, 2}", "{2, 1}", True),
        ("b'x'", "'x'", False),
        ("None", "None", True),
        ("float('nan')", "1", False),
        ("[None]", "[]", False),
        ("2**70", "1180591620717411303424", True),
        ("__import__('collections').Counter('aab')", "{'a': 2, 'b': 1}", True),
        ("range(2)", "[0, 1]", False),
        ("1+2j", "(1+2j)", True),
        ("'\\ud800'", "'?'", False),
    ]
    program = "\n".join(f"def f{number}():\n    return {value}\n" for number, (value, _, _) in enumerate(values))
    asserts = [f"assert f{number}() == {literal}" for number, (_, literal, _) in enumerate(values)]
    found = await verdict(sandboxed, program, asserts=asserts)
    for check, (value, literal, passed) in zip(found.checks, values, strict=True):
        assert check.passed is passed, (value, literal, check)


async def test_wrong_data_is_no_verdict(sandboxed):
    for data, why in [
        ({}, "at least one"),
        ({"cases": [{"arguments": []}]}, "needs `stdout`"),
        ({"cases": [{"expected": 1}]}, "`function` is needed"),
        ({"asserts": ["f(1) == 2"]}, "no assert"),
        ({"asserts": ["assert f("]}, "one Python statement"),
        ({"asserts": ["assert len([1]) < 2"]}, "calls nothing"),
        ({"cases": [{"stdin": "", "stdout": ""}], "output": "a.zig"}, "no language"),
    ]:
        found = await sandboxed("program", data, {"solution.py": "f = 1", "a.zig": "x"})
        assert found.error is not None and why in found.error, (data, found)
