"""An instance that one of our tasks was written as, as that task's folder again."""

from collections.abc import Mapping
from hashlib import sha256

from pydantic import ValidationError

from tasks.errors import BadInstance
from tasks.folder import SCRIPTS, SharedFiles, source_archives
from tasks.recipe import Recipe, recipe_id
from tasks.source import Source
from tasks.swebench import Instance, from_json, implied_files


def folder_of(instance: Instance, source: Source, shared: SharedFiles) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files of the task folder, and which of them are executable. Raises BadInstance."""
    kept = instance.gristmill
    assert kept is not None
    if source.hash != kept.source_hash:
        raise BadInstance(
            f"{instance.instance_id}: {source.spec} is not what the task was made from any more (its hash is "
            f"{source.hash[:12]} and not {kept.source_hash[:12]});"
            f" give that state by --repository {instance.repo}=SOURCE"
        )
    try:
        files = {path: from_json(content) for path, content in kept.files.items()}
        recipe = _recipe(files)
        stable = instance.stable_tests()
    except (ValueError, KeyError) as error:
        raise BadInstance(f"{instance.instance_id}: gristmill.files: {error}") from error
    archives = source_archives(source, kept.absent, shared)
    for path, digest in kept.archives.items():
        if sha256(archives.get(path, b"")).hexdigest() != digest:
            raise BadInstance(
                f"{instance.instance_id}: {path} comes out otherwise than it was; another version wrote it"
            )
    contents = {
        **implied_files(recipe, stable),
        "instruction.md": f"{instance.problem_statement}\n".encode(),
        "solution/reference.patch": instance.patch.encode(),
        **archives,
        **files,
    }
    return contents, kept.executable or SCRIPTS


def _recipe(files: Mapping[str, bytes]) -> Recipe:
    """Raises ValueError and KeyError."""
    try:
        recipe = Recipe.model_validate_json(files["environment/recipe.json"])
    except ValidationError as error:
        raise ValueError(f"environment/recipe.json: {error.errors()[0]['msg']}") from error
    if recipe.id != recipe_id(recipe):
        raise ValueError("environment/recipe.json: id: is not the id of what the file says")
    return recipe
