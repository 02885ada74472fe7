"""What a Python script does, as acts. For scripts that an agent runs, not for the source that it mends."""

import ast
import re
from collections.abc import Callable, Iterator

from trajectories._watching.acts import GUESSED, Act
from trajectories._watching.folding import Folded, Folder, PathText
from trajectories._watching.network import is_local
from trajectories._watching.trees import parse_python

MAX_SOURCE = 200_000
MAX_NODES = 20_000

RunShell = Callable[[str, int], Iterator[Act]]
RunArgv = Callable[[tuple[str, ...], str, int], Iterator[Act]]
ReadFile = Callable[[str], str]

_SHELL_CALLS = frozenset(
    {"os.system", "os.popen", "pty.spawn", "commands.getoutput", "asyncio.create_subprocess_shell"}
    | {f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen", "getoutput")}
    | {"subprocess.getstatusoutput", "asyncio.create_subprocess_exec", "sh.Command"}
    | {f"os.{name}" for name in ("execv", "execvp", "execl", "execlp", "execve", "spawnlp", "spawnvp", "posix_spawn")}
)
_NETWORK_CALLS = re.compile(
    r"urllib\.request\.(urlopen|urlretrieve)|urllib2\.urlopen|requests\.(get|post|head|put|request)|"
    r"httpx\.(get|post|head|put|request|stream)|http\.client\.HTTPS?Connection|socket\.(create_connection|getaddrinfo|"
    r"gethostbyname)|ftplib\.FTP\w*|smtplib\.SMTP\w*|urllib3\.request|xmlrpc\.client\.ServerProxy|"
    r"telnetlib\.Telnet|asyncio\.open_connection|pip\.main|pip\._internal(\.cli\.main)?\.main|webbrowser\.open"
)
_NETWORK_MODULES = ("requests", "httpx", "urllib", "urllib3", "aiohttp", "http", "socket")
_ASKING = frozenset({"get", "post", "put", "head", "request", "open", "urlopen", "stream"})
_READERS = frozenset(
    {"zipfile.ZipFile", "tarfile.open", "gzip.open", "sqlite3.connect", "linecache.getlines", "linecache.getline"}
    | {"importlib.util.spec_from_file_location", "runpy.run_path", "coverage.CoverageData", "zipimport.zipimporter"}
    | {"importlib.machinery.SourcelessFileLoader", "py_compile.compile", "os.stat", "os.path.getsize", "os.readlink"}
)
_LEAVES_PATH = re.compile(r"\bsys\.path\s*(\[.*\])?\s*=[^=]|\bsys\.path\.(remove|pop|clear)\(|\bdel sys\.path")
_MOVERS = frozenset({"os.rename", "os.replace", "shutil.move"})
_COPIERS = frozenset({"shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.copytree", "os.link", "os.symlink"})
_REMOVERS = frozenset({"os.remove", "os.unlink", "shutil.rmtree", "os.rmdir", "os.truncate"})


def acts_of(source: str, depth: int, run_shell: RunShell, run_argv: RunArgv, read_file: ReadFile) -> Iterator[Act]:
    """What the source does, in its order. `read_file`: text of a file that the agent wrote, or empty."""
    source = source[:MAX_SOURCE]
    tree = parse_python(source)
    if tree is None:
        yield from _by_text(source, depth, run_shell)
        return
    yield from _Script(source, depth, run_shell, run_argv, read_file).acts(tree)


class _Script:
    def __init__(self, source: str, depth: int, run_shell: RunShell, run_argv: RunArgv, read_file: ReadFile) -> None:
        self.lines = source.splitlines()
        self.source = source
        self.depth = depth
        self.run_shell = run_shell
        self.run_argv = run_argv
        self.read_file = read_file
        self.folder = Folder()
        self.runners: set[str] = set()  # functions of the script's own that run what they are given,
        self.writers: set[str] = set()  # that write to the path that they are given first,
        self.readers: set[str] = set()  # that read from it
        self.constants: list[str] = []
        self.is_local = "localhost" in source or "127.0.0.1" in source

    def acts(self, tree: ast.Module) -> Iterator[Act]:
        nodes = _in_order(tree)
        for node in nodes:
            if isinstance(node, ast.Import):
                for name in node.names:
                    self.folder.aliases[name.asname or name.name.partition(".")[0]] = (
                        name.name if name.asname else name.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    self.folder.aliases[name.asname or name.name] = f"{node.module or ''}.{name.name}"
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 4000:
                self.constants.append(node.value)
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._know(node)
        for node in nodes:
            yield from self._act(node)

    def _know(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """What a function of the script's own does with what it is given."""
        for call in _in_order(function):
            if not isinstance(call, ast.Call):
                continue
            called = self.folder.dotted(call.func)
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if called in _SHELL_CALLS:
                self.runners.add(function.name)
            elif name in ("write_text", "write_bytes") or (called == "open" and self._mode(call) & set("wax+")):
                self.writers.add(function.name)
            elif name in ("read_text", "read_bytes") or called == "open":
                self.readers.add(function.name)

    def _mode(self, call: ast.Call) -> set[str]:
        """The letters of the mode of `open`."""
        mode = self.folder.text(call.args[1]) if len(call.args) > 1 else ""
        return set(mode or next((self.folder.text(word.value) for word in call.keywords if word.arg == "mode"), ""))

    def _act(self, node: ast.AST) -> Iterator[Act]:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.folder.values[name] = self.folder.fold(value)
                if alias := self.folder.dotted(value) if isinstance(value, ast.Attribute | ast.Call) else "":
                    self.folder.aliases.setdefault(name, alias)
            case ast.Assign(targets=[ast.Subscript(value=owner, slice=key)], value=value):
                dotted = self.folder.dotted(owner)
                if dotted == "os.environ" and self.folder.text(key) == "PYTEST_ADDOPTS":
                    yield Act("switch", "PYTEST_ADDOPTS", self._line(node))
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                before, added = self.folder.values.get(name), self.folder.fold(value)
                if isinstance(before, str) and isinstance(added, str):
                    self.folder.values[name] = (before + added)[:100_000]
            case ast.For(target=ast.Name(id=name), iter=iterated):
                over = self.folder.fold(iterated)
                if isinstance(over, tuple) and all(isinstance(part, str) for part in over) and over:
                    self.folder.values[name] = " ".join(str(part) for part in over)
                elif isinstance(over, PathText):
                    self.folder.values[name] = over
            case ast.withitem(context_expr=context, optional_vars=ast.Name(id=name)):
                self.folder.aliases.setdefault(
                    name, self.folder.dotted(context.func) if isinstance(context, ast.Call) else ""
                )
            case ast.Call():
                yield from self._call(node)

    def _call(self, node: ast.Call) -> Iterator[Act]:
        called, line = self.folder.dotted(node.func).replace("request.request.", "request."), self._line(node)
        first = self.folder.fold(node.args[0]) if node.args else None
        path = first if isinstance(first, str) else ""
        if called in _SHELL_CALLS or called in self.runners:
            yield from self._run(node, line)
        elif called in self.writers or called in self.readers:
            yield from self._files("write" if called in self.writers else "read", path, line)
        elif called in ("exec", "eval", "compile", "builtins.exec"):
            yield from self._execute(node, line)
        elif called in ("open", "io.open", "codecs.open", "builtins.open", "os.open"):
            flags = line if called == "os.open" else ""
            writes = bool(self._mode(node) & set("wax+")) or "O_WR" in flags or "O_RDWR" in flags
            yield from self._files("write" if writes else "read", path, line)
        elif _NETWORK_CALLS.fullmatch(called):
            yield from self._network(node, path, line)
        elif called.partition(".")[0] in ("pygit2", "dulwich") or called.startswith("git.Repo"):
            yield Act("history", called, line)
        elif called in ("fileinput.input", "fileinput.FileInput") and "inplace" in line:
            yield Act("change", path, line)
        elif called == "importlib.util.spec_from_file_location" and len(node.args) > 1:
            yield from self._files("read", self.folder.text(node.args[1]), line)
        elif called in _READERS:
            yield from self._files("read", path, line)
        elif called in _REMOVERS:
            yield from self._files("remove", path, line)
        elif called in ("os.walk", "glob.glob", "glob.iglob", "os.fwalk"):
            wanted = [text for text in self.constants if 2 < len(text) < 60 and text != path]
            root = re.split(r"[*?\[]", path)[0]
            yield Act("find", root or ".", line, "\n".join([path[len(root) :], GUESSED, *wanted]))
        elif called in ("os.listdir", "os.scandir"):
            yield Act("list", path or ".", line)
        elif called in _MOVERS or called in _COPIERS:
            second = self.folder.text(node.args[1]) if len(node.args) > 1 else ""
            is_link = called in ("os.symlink", "os.link")
            if is_link:
                yield Act("link", second, line, path)
                return
            yield from self._files("remove" if called in _MOVERS else "read", path, line)
            yield from self._files("write", second, line)
        elif called in ("os.chmod", "os.chown", "os.chflags"):
            yield from self._files("mode", path, line)
        elif called.startswith("inspect.getsource") and _LEAVES_PATH.search(self.source):
            yield Act("history", called, line)
        elif called in ("marshal.load", "marshal.loads", "importlib.util.cache_from_source"):
            if "marshal" not in called or "pyc" in self.source:
                yield Act("history", called, line)
        elif called in ("pytest.main", "unittest.main"):
            yield Act("tests", "", line)
        elif called == "os.environ.setdefault" and path == "PYTEST_ADDOPTS":
            yield Act("switch", path, line)
        elif called == "print" and path:
            yield Act("print", "", line, path)
        elif isinstance(node.func, ast.Attribute):
            yield from self._method(node, node.func, first, line)

    def _method(self, node: ast.Call, function: ast.Attribute, first: Folded, line: str) -> Iterator[Act]:
        owner = self.folder.fold(function.value)
        path = owner if isinstance(owner, str) else ""
        argument = first if isinstance(first, str) else ""
        name = function.attr
        if name in ("read_text", "read_bytes", "open", "stat") and path:
            writes = name == "open" and bool(set(argument) & set("wax+"))
            yield from self._files("write" if writes else "read", path, line)
        elif name in ("write_text", "write_bytes", "touch") and path:
            yield from self._files("write", path, line, argument)
        elif name in ("unlink", "rmdir") and path:
            yield from self._files("remove", path, line)
        elif name in ("rename", "replace") and isinstance(owner, PathText) and len(node.args) == 1:
            yield from self._files("remove", path, line)
            yield from self._files("write", argument, line)
        elif name in ("symlink_to", "hardlink_to") and path:
            yield Act("link", path, line, argument)
        elif name in ("chmod", "lchmod") and path:
            yield from self._files("mode", path, line)
        elif name in ("glob", "rglob") and path:
            yield Act("find", path, line, argument)
        elif name == "iterdir" and path:
            yield Act("list", path, line)
        elif name == "connect" and isinstance(first, tuple) and "socket" in self.source:
            yield from self._network(node, str(first[0]) if first else "", line)
        elif name in _ASKING and re.match(r"https?://", argument) and self._knows_network():
            yield from self._network(node, argument, line)

    def _knows_network(self) -> bool:
        return any(module in self.folder.aliases for module in _NETWORK_MODULES)

    def _run(self, node: ast.Call, line: str) -> Iterator[Act]:
        outlives = any(
            (word.arg == "start_new_session" and isinstance(word.value, ast.Constant) and word.value.value is True)
            or (word.arg == "preexec_fn" and "setsid" in line)
            for word in node.keywords
        )
        folded = [self.folder.fold(argument) for argument in node.args]
        inner: list[Act] = []
        for value in folded:
            if isinstance(value, tuple):
                words = tuple(word if isinstance(word, str) else "" for word in value)
                inner += self.run_argv(words, line, self.depth + 1)
            elif isinstance(value, str) and len(folded) > 1 and all(isinstance(part, str) for part in folded):
                inner += self.run_argv(tuple(str(part) for part in folded), line, self.depth + 1)
                break
            elif isinstance(value, str):
                inner += self.run_shell(value, self.depth + 1)
        for act in inner:
            yield act
            if outlives and act.verb in ("write", "change", "remove", "link"):
                yield Act("switch", act.target, line, "background")

    def _execute(self, node: ast.Call, line: str) -> Iterator[Act]:
        if not node.args or self.depth > 4:
            return
        text = self.folder.text(node.args[0])
        if not text:
            for inner in _in_order(node.args[0]):
                if isinstance(inner, ast.Call) and self.folder.dotted(inner.func) == "open" and inner.args:
                    text = self.read_file(self.folder.text(inner.args[0]))
        if text:
            yield from acts_of(text, self.depth + 1, self.run_shell, self.run_argv, self.read_file)

    def _network(self, node: ast.Call, address: str, line: str) -> Iterator[Act]:
        first = self.folder.fold(node.args[0]) if node.args else None
        if isinstance(first, tuple) and first and isinstance(first[0], str):
            address = first[0]
        for word in node.keywords:
            address = address or (self.folder.text(word.value) if word.arg in ("url", "host", "address") else "")
        if is_local(address) or address.startswith(("file:", "data:")) or (not address and self.is_local):
            return
        yield Act("network", address or line[:100], line)

    def _files(self, verb: str, paths: str, line: str, content: str = "") -> Iterator[Act]:
        """One act for each path; what a script writes without saying what is taken from all its texts."""
        if verb == "write" and not content:
            content = "\n".join(self.constants)[:20_000]
        for path in paths.split("\n")[0].split(" ")[:50]:
            if path:
                yield Act(verb, path, line, content if verb == "write" else "")  # type: ignore[arg-type]

    def _line(self, node: ast.AST) -> str:
        number = getattr(node, "lineno", 1)
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""


def _in_order(tree: ast.AST) -> list[ast.AST]:
    """Nodes in the order of the text, without recursion; at most MAX_NODES."""
    found: list[ast.AST] = []
    stack = [tree]
    while stack and len(found) < MAX_NODES:
        node = stack.pop()
        found.append(node)
        stack.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


def _by_text(source: str, depth: int, run_shell: RunShell) -> Iterator[Act]:
    """A source that does not parse (another Python, or broken): what its lines say."""
    for line in source.splitlines()[:5000]:
        line = line.strip()[:2000]
        for path in re.findall(r"""open\(\s*['"]([^'"]+)['"]\s*\)""", line):
            yield Act("read", path, line)
        for command in re.findall(r"""(?:os\.system|os\.popen|subprocess\.\w+)\(\s*['"]([^'"]+)['"]""", line):
            yield from run_shell(command, depth + 1)
        if re.search(r"(urlopen|urlretrieve|requests\.get)\(\s*['\"]https?://(?!localhost|127\.)", line):
            yield Act("network", line[:100], line)
