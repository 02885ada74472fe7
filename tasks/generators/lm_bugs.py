"""Bugs by a language model: a function with a subtle mistake put in, and one written again from its description.

After SWE-smith's LM modify and LM rewrite (Yang et al., 2025). The model sees one function a request; of its reply
only the body is used, and validation decides whether it is a bug.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from random import Random

import libcst as cst

from tasks.candidate import Candidate, Place, Rejection
from tasks.generators._indent import indent_of, reindented
from tasks.generators._reply import UnusableReply, body_of, edit_from_reply
from tasks.generators._source_file import Definition, Edit, SourceFile
from tasks.generators._surroundings import signature_and_docstring, surroundings
from tasks.generators._walk import is_docstring
from tasks.generators.procedural import SourceFiles
from tasks.lm import LmClient, LmConfig, LmFault, LmRefused, Reply, Spent, render_prompt
from tasks.repository import Repository

SHORTEST_BODY = 2  # statements' lines; shorter ones are left to the procedural kinds
LONGEST_FUNCTION = 12_000  # bytes, some 3,000 tokens to read and as many to write
MOST_REFUSALS = 5  # in a row: then it is not the question
MISTAKES = (
    "a boundary that is off by one",
    "a case that is no longer handled, such as an empty or a missing value",
    "a condition that is too wide or too narrow",
    "two values of the same type mixed up",
    "a step done in the wrong order, or too early, or too late",
    "a state that is not updated, not reset, or shared by accident",
    "a wrong default, or an argument not passed on",
    "an edge of text handling: white space, case, escapes, an empty string",
    "a loop that ends too early or skips an item",
    "a wrong operator or a wrong sign in a rarely used branch",
)


@dataclass(frozen=True)
class _Question:
    file: SourceFile
    definition: Definition
    prompt: str
    kind: str
    number: int


class _LmBugs:
    """Asks a question of each function in turn, several at once, and takes the answers in the questions' order."""

    name: str
    rounds: int

    def __init__(self, lm: LmConfig, files: SourceFiles | None = None) -> None:
        self.lm = lm
        self.skipped: list[Rejection] = []
        self.spent = Spent()
        self._files = files or SourceFiles()
        self._refusals = 0

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]:
        """Raises LmFault where the server does not answer."""
        asked: deque[tuple[_Question, Future[Reply]]] = deque()
        with LmClient(self.lm) as client, ThreadPoolExecutor(self.lm.at_once) as pool:
            self.spent = client.spent
            try:
                for question in islice(self._questions(repository, rng), self.lm.most_questions):
                    asked.append((question, pool.submit(client.ask, question.prompt, number=question.number)))
                    if len(asked) > self.lm.at_once:
                        yield from self._candidate(*asked.popleft())
                while asked:
                    yield from self._candidate(*asked.popleft())
            finally:
                for _, waiting in asked:
                    waiting.cancel()

    def prompt(self, repository: Repository, file: SourceFile, definition: Definition, rng: Random) -> tuple[str, str]:
        """The question and, in a few words, what was asked for."""
        raise NotImplementedError

    def is_fit(self, node: cst.FunctionDef) -> bool:
        """Whether a function gives the model enough to work on."""
        raise NotImplementedError

    def _questions(self, repository: Repository, rng: Random) -> Iterator[_Question]:
        chosen = [
            (file, definition)
            for file in self._files.of(repository)
            for definition in file.definitions
            if self._is_worth_asking(repository, file, definition)
        ]
        for number in range(self.rounds):
            rng.shuffle(chosen)
            for file, definition in chosen:
                prompt, kind = self.prompt(repository, file, definition, rng)
                yield _Question(file, definition, prompt, kind, number)

    def _is_worth_asking(self, repository: Repository, file: SourceFile, definition: Definition) -> bool:
        """A question costs money: none of what no test reaches. Why not is kept in `skipped`."""
        node = definition.node
        if not isinstance(node, cst.FunctionDef):
            return False
        body = body_of(node)
        if not body:
            return False
        lines = range(file.line_of(file.span(body[0])[0]), file.line_of(definition.end - 1) + 1)
        if len(lines) < SHORTEST_BODY or not self.is_fit(node):
            return False
        if definition.end - definition.start > LONGEST_FUNCTION:
            return self._skip(file, definition, "too long for a question")
        if not repository.tests_reaching(file.path, lines):
            return self._skip(file, definition, "no test reaches it")
        return True

    def _candidate(self, question: _Question, answer: Future[Reply]) -> Iterator[Candidate]:
        file, definition = question.file, question.definition
        try:
            reply = answer.result()
        except LmRefused as refused:
            self._refusals += 1
            if self._refusals >= MOST_REFUSALS:
                raise LmFault(f"{self._refusals} questions in a row were refused; the last: {refused}") from refused
            self._skip(file, definition, "the model's server refuses the question", str(refused), question.number)
            return
        self._refusals = 0
        try:
            if reply.is_cut:
                raise UnusableReply("reply cut off", f"after {reply.completion_tokens} tokens: set max_tokens higher")
            edit = edit_from_reply(file, definition, reply.text, question.kind)
        except UnusableReply as unusable:
            cost = f"{reply.prompt_tokens} + {reply.completion_tokens} tokens, ${reply.cost_usd:.6f}"
            detail = f"{file.path} {definition.name} ({cost}) {unusable.detail}"
            self._skip(file, definition, unusable.reason, detail, question.number)
            return
        yield self._candidate_of(file, definition, edit, reply)

    def _candidate_of(self, file: SourceFile, definition: Definition, edit: Edit, reply: Reply) -> Candidate:
        first, last = file.line_of(edit.start), file.line_of(max(edit.start, edit.end - 1))
        place = Place(
            path=file.path,
            symbol=definition.name,
            first_line=file.line_of(definition.start),
            last_line=file.line_of(definition.end - 1),
            changed_lines=tuple(range(first, last + 1)),
        )
        return Candidate(
            generator=self.name,
            kind=edit.kind,
            places=(place,),
            files={file.path: file.applied(edit)},
            details=reply.details,
        )

    def _skip(self, file: SourceFile, definition: Definition, reason: str, detail: str = "", number: int = 0) -> bool:
        name = f"{self.name} {file.path} {definition.name} {definition.start} {number}"
        self.skipped.append(
            Rejection(
                candidate_id=sha256(name.encode()).hexdigest()[:12],
                generator=self.name,
                reason=reason,
                detail=detail or f"{file.path} {definition.name}",
            )
        )
        return False


class LmModify(_LmBugs):
    """A subtle mistake in a function that the model is shown."""

    name = "lm_modify"
    rounds = 3

    def prompt(self, repository: Repository, file: SourceFile, definition: Definition, rng: Random) -> tuple[str, str]:
        mistake = rng.choice(MISTAKES)
        text = render_prompt(
            "lm_modify.md.j2",
            package=repository.source.name,
            path=file.path,
            function=reindented(file, [definition.node], indent_of(file, definition.node), b"").decode().rstrip(),
            mistake=mistake,
        )
        return text, f"by a model: {mistake}"

    def is_fit(self, node: cst.FunctionDef) -> bool:
        return True


class LmRewrite(_LmBugs):
    """A function written again by the model from signature, docstring and surroundings: its body is not shown."""

    name = "lm_rewrite"
    rounds = 2

    def prompt(self, repository: Repository, file: SourceFile, definition: Definition, rng: Random) -> tuple[str, str]:
        text = render_prompt(
            "lm_rewrite.md.j2",
            package=repository.source.name,
            path=file.path,
            signature=signature_and_docstring(file, definition),
            context=surroundings(file, definition),
        )
        return text, "written again by a model"

    def is_fit(self, node: cst.FunctionDef) -> bool:
        body = node.body.body if isinstance(node.body, cst.IndentedBlock) else ()
        return bool(body) and is_docstring(body[0])
