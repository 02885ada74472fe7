"""lookup: answers questions about documents without a model. Names, keywords and simple patterns, nothing learned.

A question is worked on from the inside: the innermost description ("the company that employs Ada Holm") is looked up
and replaced by what it describes, until the question itself is left. Each step may go wrong, and then all after it.
"""

import re
from shlex import quote
from typing import ClassVar

from agents._records import Record, names_in, records_of, values_in
from agents.agent import Session

MOST_FILES = 12  # read for one name
MOST_HOPS = 12
_STOP = frozenset(
    re.findall(
        r"\w+",
        """
    a about all an and any are as at be been by can did do does each for from get give had has have how if in
    into is it its many much name no not now of on one only or own present so than that the their them then
    there they this to today was were what when where which who whom whose why will with write year
    """,
    )
)
_TYPES = {
    "year": ("year", "when"),
    "number": ("number", "many", "much"),
    "place": ("town", "city", "place", "where"),
    "person": ("person", "who", "whom"),
    "company": ("company", "firm"),
    "school": ("school",),
    "work": ("book", "novel"),
}
# Words of questions, and what documents and columns say instead.
_ALIKE = {"wrote": "autho", "works": "compa", "emplo": "company", "live": "inhab", "peopl": "inhab", "born": "birth"}


class Lookup:
    """Option `patience`: names that are looked up before it gives up."""

    name: ClassVar[str] = "lookup"
    version: ClassVar[str] = "1"

    def __init__(self, patience: int = MOST_HOPS) -> None:
        self.patience = patience

    async def act(self, session: Session) -> None:
        """Answer the last question of the instruction into the file that it names."""
        question, output = read_request(session.instruction)
        answer = await self._answer(session, question)
        if answer:
            await session.call("write", {"path": output, "content": answer + "\n"})
        else:
            session.say("The documents give no answer that I can see.")
        await session.call("submit", {})

    async def _answer(self, session: Session, question: str) -> str:
        found = ""
        for _ in range(self.patience):
            names = names_in(question)
            if not names:
                return found
            about = names[-1]
            before, after = question.rsplit(about, 1)
            start = max(0, before.rfind("the "))
            outside, phrase = before[:start], before[start:]
            value = await self._look_up(session, about, phrase, after, type_of(phrase))
            session.say(f"{phrase.strip()} {about}: {value or 'nothing found'}")
            if not value:
                return ""
            found = value
            # what follows a name belongs to the question where nothing else says what it asks for
            rest = after if outside and not _asked(outside) else ""
            if not _asked(outside + rest):
                return found
            question = f"{outside}{value}{rest}"
        return found

    async def _look_up(self, session: Session, about: str, phrase: str, after: str, wanted: str) -> str:
        """The best candidate in what the documents say of `about`: near the most of the phrase's words."""
        listed = await session.call("bash", {"command": f"grep -rlIF -- {quote(about)} . | sort | head -{MOST_FILES}"})
        best, most = "", 0.0
        for path in listed.text.splitlines() if not listed.is_error else []:
            answer = await session.call("read", {"path": path})
            if answer.data is None:
                continue
            for record in records_of(path, answer.data.decode(errors="replace")):
                value, score = _best_of(record, about, keywords(_small(phrase)), keywords(_small(after)), wanted)
                if value and score > most:
                    best, most = value, score
        return best


def read_request(instruction: str) -> tuple[str, str]:
    """The question, and the file that the answer belongs into."""
    asked = [part.strip() for part in re.findall(r"[^.?!\n:]*\?", instruction)]
    lines = [line.strip() for line in instruction.splitlines() if line.strip()]
    files = re.findall(r"`([\w./-]+\.\w+)`", instruction)
    return (asked[-1] if asked else lines[0] if lines else ""), (files[-1] if files else "answer.txt")


def keywords(text: str) -> frozenset[str]:
    """The words that say something, by their first letters: `founded` and `founder` are one."""
    words = (word[:5] for word in re.findall(r"[a-z]+", text) if word not in _STOP)
    return frozenset(_ALIKE.get(word, word) for word in words)


def type_of(phrase: str) -> str:
    """The type of what a phrase describes, by the first word that tells; 'name' where none does."""
    for word in re.findall(r"[a-z]+", phrase.lower()):
        for name, words in _TYPES.items():
            if word in words:
                return name
    return "name"


def _best_of(
    record: Record, about: str, wanted_words: frozenset[str], less: frozenset[str], wanted: str
) -> tuple[str, float]:
    """A candidate of one record, and how well it fits; '' where the record says nothing of `about`."""
    is_of_page = record.about == about
    if about not in record.text and not is_of_page:
        return "", 0.0
    whole = keywords(record.text.lower())
    best, most = "", 0.0
    for label, text in record.fields:
        said = keywords(label.lower())
        score = 1.0 + 2 * len((whole | said) & wanted_words) + 1.5 * len((whole | said) & less)
        score += 1.5 * len(said & (wanted_words | less)) + (0.5 if is_of_page else 0.0)
        candidates = [value for value in values_in(text, wanted) if about not in value and value not in about]
        if candidates and score > most:
            best, most = candidates[0], score
    return best, most


def _asked(text: str) -> bool:
    """True where words are left that name a relation, and not only the type of the answer."""
    types = {word for words in _TYPES.values() for word in words}
    return bool(keywords(" ".join(word for word in re.findall(r"[a-z]+", _small(text)) if word not in types)))


def _small(text: str) -> str:
    """Without the words that begin with a capital."""
    return re.sub(r"[A-Z]\w*", " ", text)
