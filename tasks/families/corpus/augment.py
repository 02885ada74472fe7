"""A model turns retrieved documents into samples of the shots' form; what cannot be checked in the document is dropped.

    python -m tasks.families.corpus.augment --corpus 'texts/*.txt' --shots shots.jsonl --out samples.jsonl \\
        --url http://127.0.0.1:8000/v1 --model NAME -n 200
"""

import argparse
import json
import re
import sys
from pathlib import Path

from tasks.errors import TaskFault
from tasks.families.corpus.craft import read_corpus, read_shots, retrieved
from tasks.families.corpus.samples import Shot
from tasks.lm import LmClient, LmConfig

SAMPLE_TOKENS = 300  # a sample is short; a model that goes on after it makes none

_PROMPT = """\
Here are samples of a task:

{shots}

Write one more sample of the same form about this text. Its answer must stand in the text word for word, and must not
stand in the question. Also give a wrong answer that looks right. Reply with one JSON object with the keys "question",
"answer" and "wrong", and nothing else.

{text}
"""

_SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 5, "maxLength": 300},
        "answer": {"type": "string", "minLength": 1, "maxLength": 60},
        "wrong": {"type": "string", "minLength": 1, "maxLength": 60},
    },
    "required": ["question", "answer", "wrong"],
    "additionalProperties": False,
}


def sample_of(client: LmClient, shots: tuple[Shot, ...], text: str, *, number: int = 0) -> dict[str, str] | None:
    """What a model makes of one text; None where it is no sample. Raises LmFault."""
    shown = "\n".join(json.dumps({"question": each.question, "answer": each.answer}) for each in shots[:8])
    reply = client.ask(_PROMPT.format(shots=shown, text=text), number=number, schema=_SCHEMA)
    made = checked(reply.text, text)
    return made if made is not None and made["question"] not in [each.question for each in shots] else None


def checked(reply: str, text: str) -> dict[str, str] | None:
    """The sample of a reply, if its answer stands in the text and is not told."""
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        row = json.loads(found.group()) if found else None
    except ValueError:
        return None
    if not isinstance(row, dict) or not all(str(row.get(key, "")).strip() for key in ("question", "answer", "wrong")):
        return None
    question, answer, wrong = (str(row[key]).strip() for key in ("question", "answer", "wrong"))
    if answer not in text or answer.lower() in question.lower() or wrong.lower() == answer.lower() or "\n" in answer:
        return None
    return {"question": question, "answer": answer, "wrong": wrong, "text": text}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Samples of a task's form from a corpus, by a model.")
    parser.add_argument("--corpus", required=True, help="pattern of text or JSONL files, from the working folder")
    parser.add_argument("--shots", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("-n", type=int, default=100, help="documents to ask about")
    given = parser.parse_args(arguments)
    try:
        shots = read_shots(given.shots)
        texts, index = read_corpus(given.corpus, Path())
        answers = given.out.with_name(f"{given.out.name}.answers")  # killed, the same command asks for the rest alone
        config = LmConfig(base_url=given.url, model=given.model, max_tokens=SAMPLE_TOKENS, answers=answers)
        with LmClient(config) as client:
            asked = retrieved(shots, index, given.n)
            found = [made for at in asked if (made := sample_of(client, shots, texts[at])) is not None]
    except (TaskFault, ValueError, OSError) as error:
        sys.stderr.write(f"augment: {error}\n")
        return 1
    given.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8")
    sys.stderr.write(f"{len(found)} samples of {len(asked)} documents: {given.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
