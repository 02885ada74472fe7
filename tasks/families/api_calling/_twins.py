"""Short ways to write operations down, and the near-duplicates that come with them."""

from typing import Any

from tasks.families.api_calling.model import Field, Operation

When = dict[str, list[Any]]


def creating(
    name: str, resource: str, path: str, say: str, takes: dict[str, Field], summary: str, **sets: Any
) -> tuple[Operation, ...]:
    """An operation that creates a record; one that only checks, and one that leaves a draft."""
    noun = resource.replace("_", " ")
    draft = {**sets, **({"status": "draft"} if "status" in sets else {})}
    return (
        Operation(name, "create", resource, path, summary, say, sets=sets, takes=takes),
        Operation(
            f"preview_{resource}",
            "preview",
            resource,
            f"{path}/preview",
            f"Check the values of a new {noun} and give back what it would be. Nothing is stored.",
            sets=sets,
            takes=takes,
        ),
        *(
            (
                Operation(
                    f"draft_{resource}",
                    "create",
                    resource,
                    f"{path}/drafts",
                    f"Store a new {noun} as a draft. It takes no effect until somebody else releases it.",
                    sets=draft,
                    takes=takes,
                ),
            )
            if "status" in sets
            else ()
        ),
    )


def acting(
    name: str, resource: str, path: str, summary: str, say: str = "", when: When | None = None, **sets: Any
) -> Operation:
    """Sets fields of a record to what the operation stands for: POST /stays/{id}/cancel."""
    return Operation(name, "change", resource, path, summary, say, sets=sets, when=when or {})


def changing(
    name: str, resource: str, path: str, summary: str, say: str, when: When | None = None, **takes: Field
) -> Operation:
    """Sets fields of a record to values that the caller gives."""
    return Operation(name, "change", resource, path, summary, say, method="PATCH", when=when or {}, takes=takes)


def removing(name: str, resource: str, path: str, summary: str, say: str = "") -> Operation:
    return Operation(name, "remove", resource, path, summary, say, method="DELETE")
