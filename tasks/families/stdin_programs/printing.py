"""One program in several languages: integers, arrays of them, loops and conditions, written once in a part of Python.

The part: assignments to names and to array elements, `if`, `while`, `for NAME in range(…)`, break and continue, the
operators + - * // % and comparisons, `and or not`, and the functions below. Integers have 64 bits; `//` and `%` round
down as Python's do. `NAME = zeros(n)`, `read_list(n)` and `read_word()` make arrays; `read_word()` gives the codes of a
word's characters with a 0 at its end.
"""

import ast
import re
from textwrap import indent

READING = ("read", "read_list", "read_word", "zeros")
_ARRAYS = ("read_list", "read_word", "zeros")
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
    ast.NotEq: "!=", ast.And: "&&", ast.Or: "||", ast.Not: "!", ast.USub: "-",
}  # fmt: skip
_FLOORED: dict[type[ast.AST], str] = {ast.FloorDiv: "floor_div", ast.Mod: "floor_mod"}

_PYTHON = """\
import sys

words = iter(sys.stdin.read().split())


def read():
    return int(next(words))


def read_list(n):
    return [int(next(words)) for _ in range(n)]


def read_word():
    return [ord(letter) for letter in next(words, "")] + [0]


def zeros(n):
    return [0] * n


def sort(values, n):
    values[:n] = sorted(values[:n])


def say(value):
    print(value)


def say_list(values, n):
    print(*values[:n])
"""

_C = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long long Int;

static Int read(void) { Int x = 0; if (scanf("%lld", &x) != 1) exit(2); return x; }
static Int *zeros(Int n) { return calloc((size_t)n + 1, sizeof(Int)); }
static Int *read_list(Int n) { Int *a = zeros(n); for (Int i = 0; i < n; i++) a[i] = read(); return a; }
static Int *read_word(void) {
    static char word[1 << 20];
    if (scanf("%1048575s", word) != 1) word[0] = 0;
    size_t n = strlen(word);
    Int *a = zeros((Int)n);
    for (size_t i = 0; i < n; i++) a[i] = word[i];
    return a;
}
static int order(const void *x, const void *y) {
    Int a = *(const Int *)x, b = *(const Int *)y;
    return (a > b) - (a < b);
}
static void sort(Int *a, Int n) { qsort(a, (size_t)n, sizeof(Int), order); }
static Int floor_div(Int a, Int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static Int floor_mod(Int a, Int b) { return a - floor_div(a, b) * b; }
static Int min(Int a, Int b) { return a < b ? a : b; }
static Int max(Int a, Int b) { return a > b ? a : b; }
static void say(Int x) { printf("%lld\\n", x); }
static void say_list(Int *a, Int n) {
    for (Int i = 0; i < n; i++) printf(i ? " %lld" : "%lld", a[i]);
    printf("\\n");
}
"""

_CPP = """\
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

typedef long long Int;
typedef std::vector<Int> List;

static Int min(Int a, Int b) { return a < b ? a : b; }
static Int max(Int a, Int b) { return a > b ? a : b; }
static Int read() { Int x = 0; if (!(std::cin >> x)) exit(2); return x; }
static List zeros(Int n) { return List(n + 1); }
static List read_list(Int n) { List a = zeros(n); for (Int i = 0; i < n; i++) a[i] = read(); return a; }
static List read_word() {
    std::string word;
    std::cin >> word;
    List a(word.begin(), word.end());
    a.push_back(0);
    return a;
}
static void sort(List &a, Int n) { std::sort(a.begin(), a.begin() + n); }
static Int floor_div(Int a, Int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static Int floor_mod(Int a, Int b) { return a - floor_div(a, b) * b; }
static void say(Int x) { std::cout << x << "\\n"; }
static void say_list(const List &a, Int n) {
    for (Int i = 0; i < n; i++) std::cout << (i ? " " : "") << a[i];
    std::cout << "\\n";
}
"""

_JAVA = """\
    static final StreamTokenizer in = new StreamTokenizer(new BufferedInputStream(System.in, 1 << 16));
    static final StringBuilder out = new StringBuilder();

    static long read() throws IOException { in.nextToken(); return (long) in.nval; }
    static long[] zeros(long n) { return new long[(int) n + 1]; }
    static long[] read_list(long n) throws IOException {
        long[] a = zeros(n);
        for (int i = 0; i < n; i++) a[i] = read();
        return a;
    }
    static long[] read_word() throws IOException {
        String word = in.nextToken() == StreamTokenizer.TT_WORD ? in.sval : "";
        long[] a = zeros(word.length());
        for (int i = 0; i < word.length(); i++) a[i] = word.charAt(i);
        return a;
    }
    static void sort(long[] a, long n) { Arrays.sort(a, 0, (int) n); }
    static long floor_div(long a, long b) { return Math.floorDiv(a, b); }
    static long floor_mod(long a, long b) { return Math.floorMod(a, b); }
    static long min(long a, long b) { return Math.min(a, b); }
    static long max(long a, long b) { return Math.max(a, b); }
    static void say(long x) { out.append(x).append('\\n'); }
    static void say_list(long[] a, long n) {
        for (int i = 0; i < n; i++) out.append(i > 0 ? " " : "").append(a[i]);
        out.append('\\n');
    }
"""
FILES = {"python": "solution.py", "c": "solution.c", "cpp": "solution.cpp", "java": "Solution.java"}


def _used_of(functions: str, program: ast.Module) -> str:
    """Without those functions that the program does not call; none of them calls another."""
    called = {
        node.func.id for node in ast.walk(program) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    parts = re.split(r"\n\n\n(?=def )", functions)
    return "\n\n\n".join(part for part in parts if not part.startswith("def ") or part[4 : part.index("(")] in called)


def written(program: str, language: str) -> str:
    """A complete source file. Raises ValueError for what is outside the part of Python."""
    tree = ast.parse(program)
    if language == "python":
        return f"{_used_of(_PYTHON, tree)}\n\n{program.strip()}\n"
    arrays, numbers = _names(tree)
    body = "".join(_statement(each, language) for each in tree.body)
    if language == "c":
        declared = "".join(f"Int *{name} = 0;\n" for name in arrays) + "".join(f"Int {name} = 0;\n" for name in numbers)
        return f"{_C}\nint main(void) {{\n{indent(declared + body, '    ')}    return 0;\n}}\n"
    if language == "cpp":
        declared = "".join(f"List {name};\n" for name in arrays) + "".join(f"Int {name} = 0;\n" for name in numbers)
        return f"{_CPP}\nint main() {{\n{indent(declared + body, '    ')}    return 0;\n}}\n"
    declared = "".join(f"long[] {name} = null;\n" for name in arrays) + "".join(
        f"long {name} = 0;\n" for name in numbers
    )
    body = indent(declared + body + "System.out.print(out);\n", "        ")
    main = f"    public static void main(String[] args) throws IOException {{\n{body}    }}\n"
    return f"import java.io.*;\nimport java.util.Arrays;\n\npublic class Solution {{\n{_JAVA}\n{main}}}\n"


def _names(tree: ast.Module) -> tuple[list[str], list[str]]:
    """Names of arrays and of numbers, each in the order of their first assignment."""
    arrays: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            makes = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _ARRAYS
            (arrays if makes else numbers)[node.targets[0].id] = None
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            numbers[node.target.id] = None
    # An array that another name is given is an array as well.
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in arrays:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                arrays[target.id] = None
                numbers.pop(target.id, None)
    return list(arrays), list(numbers)


def _statement(node: ast.stmt, language: str) -> str:
    if isinstance(node, ast.Assign):
        return f"{_expression(node.targets[0], language)} = {_expression(node.value, language)};\n"
    if isinstance(node, ast.AugAssign):
        target, value = _expression(node.target, language), _expression(node.value, language)
        if type(node.op) in _FLOORED:
            return f"{target} = {_FLOORED[type(node.op)]}({target}, {value});\n"
        return f"{target} {_OPERATORS[type(node.op)]}= {value};\n"
    if isinstance(node, ast.Expr):
        return f"{_expression(node.value, language)};\n"
    if isinstance(node, ast.If):
        text = f"if ({_expression(node.test, language)}) {_block(node.body, language)}"
        return f"{text} else {_block(node.orelse, language)}\n" if node.orelse else f"{text}\n"
    if isinstance(node, ast.While):
        return f"while ({_expression(node.test, language)}) {_block(node.body, language)}\n"
    if isinstance(node, ast.For):
        return _for(node, language)
    if isinstance(node, ast.Break | ast.Continue):
        return f"{type(node).__name__.lower()};\n"
    raise ValueError(f"not in this part of Python: {ast.unparse(node)}")


def _for(node: ast.For, language: str) -> str:
    call = node.iter
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "range":
        raise ValueError(f"only `for NAME in range(…)`: {ast.unparse(node)}")
    name = _expression(node.target, language)
    given = [_expression(each, language) for each in call.args]
    first, last = ("0", given[0]) if len(given) == 1 else (given[0], given[1])
    step = given[2] if len(given) == 3 else "1"
    compared = ">" if step.lstrip("(").startswith("-") else "<"
    return f"for ({name} = {first}; {name} {compared} {last}; {name} += {step}) {_block(node.body, language)}\n"


def _block(statements: list[ast.stmt], language: str) -> str:
    return "{\n" + indent("".join(_statement(each, language) for each in statements), "    ") + "}"


def _expression(node: ast.expr, language: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and type(node.value) is int:
        is_long = language == "java" or abs(node.value) >= 1 << 31
        return f"{node.value}{'L' if is_long and language == 'java' else 'LL' if is_long else ''}"
    if isinstance(node, ast.Subscript):
        index = _expression(node.slice, language)
        return f"{_expression(node.value, language)}[{f'(int) ({index})' if language == 'java' else index}]"
    if isinstance(node, ast.BinOp):
        left, right = _expression(node.left, language), _expression(node.right, language)
        if type(node.op) in _FLOORED:
            return f"{_FLOORED[type(node.op)]}({left}, {right})"
        return f"({left} {_OPERATORS[type(node.op)]} {right})"
    if isinstance(node, ast.UnaryOp):
        return f"({_OPERATORS[type(node.op)]}{_expression(node.operand, language)})"
    if isinstance(node, ast.BoolOp):
        sign = f" {_OPERATORS[type(node.op)]} "
        return f"({sign.join(_expression(each, language) for each in node.values)})"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _expression(node.left, language), _expression(node.comparators[0], language)
        return f"({left} {_OPERATORS[type(node.ops[0])]} {right})"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = {"abs": {"c": "llabs", "cpp": "std::abs", "java": "Math.abs"}.get(language, "abs")}.get(
            node.func.id, node.func.id
        )
        return f"{name}({', '.join(_expression(each, language) for each in node.args)})"
    raise ValueError(f"not in this part of Python: {ast.unparse(node)}")
