"""A workspace: one folder, one organisation, one trust domain.

``whistlestop.yaml`` and the proposal files are text that people edit; ``workspace.db`` holds state,
decisions and the ledger, ``archive.db`` feeds and entries, ``data/`` result batches named by their
digest, ``secrets.toml`` keys. This module knows the folder, not what is in the files.
"""

from __future__ import annotations

import os
import secrets
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import InputError, NotFoundError, StateError
from testkit.kernel import proposals
from testkit.kernel.clock import Clock, to_text, utc_now
from testkit.kernel.ledger import Actor
from testkit.kernel.migrate import backup, migrate, pending
from testkit.kernel.sqlite import Database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.kernel.config import Config
    from testkit.kernel.migrate import Migration
    from testkit.kernel.people import Roster

__all__ = [
    "CONFIG_NAME",
    "PEOPLE_NAME",
    "SECRETS_NAME",
    "Schema",
    "Workspace",
    "find_root",
    "replace_file",
    "restore",
    "save",
    "write_once",
]

CONFIG_NAME: Final = "whistlestop.yaml"
PEOPLE_NAME: Final = "people.yaml"
SECRETS_NAME: Final = "secrets.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The migrations of one product for one of the two databases."""

    product: str
    file: Literal["workspace", "archive"]
    migrations: Sequence[Migration]


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that is a workspace.

    Raises:
        NotFoundError: There is none.
    """
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise NotFoundError(
        "workspace",
        str(start),
        hint="make one with `whistlestop init FOLDER`, or name one with --workspace FOLDER",
    )


def write_once(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Write a new file whole; an existing one is left alone.

    Returns:
        Whether it was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        try:
            os.link(partial, path)  # fails when the name is taken: never overwrites
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            partial.rename(path)
            return True
    finally:
        partial.unlink(missing_ok=True)
    return True


def replace_file(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class Workspace:
    """An open workspace.

    Args:
        root: The folder.
        schemas: The migrations of every product; the composition root knows them.
        clock: The present moment.
        environment: The process's environment, for configuration.
        overrides: Configuration given as flags.
        actor: Who acts in this process.

    Raises:
        NotFoundError: The folder is no workspace.
        DefinitionError: ``whistlestop.yaml`` has problems.
        MigrationError: A database is newer than this program, or an upgrade failed.
    """

    def __init__(
        self,
        root: Path,
        *,
        schemas: Sequence[Schema],
        clock: Clock = utc_now,
        environment: Mapping[str, str] | None = None,
        overrides: Mapping[str, str] | None = None,
        actor: Actor | None = None,
    ) -> None:
        self.root = root.absolute()
        self.clock = clock
        self.actor = actor or Actor(name="unknown", auth="none")
        self._schemas = tuple(schemas)
        self._environment = dict(environment or {})
        self._overrides = dict(overrides or {})
        self._config: Config | None = None
        self._roster: Roster | None = None
        if not (self.root / CONFIG_NAME).is_file():
            raise NotFoundError(
                "workspace", str(root), hint=f"make it with `whistlestop init {root}`"
            )
        self.db = Database(self.root / "workspace.db")
        self.archive = Database(self.root / "archive.db")
        self.data = self.root / "data"
        self.upgrade()

    @property
    def config(self) -> Config:
        """``whistlestop.yaml`` through its three layers, read once."""
        if self._config is None:
            from testkit.kernel import config, yamlfile

            self._config = config.load(
                yamlfile.read_text(self.root / CONFIG_NAME),
                name=CONFIG_NAME,
                environment=self._environment,
                overrides=self._overrides,
            )
        return self._config

    @property
    def roster(self) -> Roster:
        """The adopted people; until somebody adopts, the file's."""
        if self._roster is None:
            from testkit.kernel import peoplefile, yamlfile

            with self.db.read() as conn:
                current = proposals.adopted(conn, kind="people", name="people")
            text, version, name = self.people_text()[1], 0, PEOPLE_NAME
            if current is not None:
                text, version = current.text, current.version
                name = f"people, version {version}"
            whole = yamlfile.validated(yamlfile.parse(text, name=name), peoplefile.PeopleFile)
            self._roster = peoplefile.roster_of(
                whole, zone_name=self.config.organisation.zone, version=version
            )
        return self._roster

    def people_text(self) -> tuple[str, str]:
        """Where the people are written, and how: ``people.yaml``, else in the settings."""
        from testkit.kernel import yamlfile

        path = self.root / PEOPLE_NAME
        if path.is_file():
            return PEOPLE_NAME, yamlfile.read_text(path)
        return CONFIG_NAME, self.config.people_text()

    def forget_roster(self) -> None:
        """Read the roster again at its next use: a new version was adopted."""
        self._roster = None

    @property
    def practice(self) -> bool:
        """Whether the workspace runs in practice mode (no signed charter)."""
        with self.db.read() as conn:
            return proposals.in_practice(conn, now=self.clock())

    def upgrade(self) -> list[str]:
        """Apply missing migrations, after a backup; returns their names."""
        done: list[str] = []
        held = {d.path for d in (self.db, self.archive) if d.path.exists()}
        for schema in self._schemas:
            database = self.db if schema.file == "workspace" else self.archive
            missing = pending(database.path, product=schema.product, migrations=schema.migrations)
            if missing:
                stamp = to_text(self.clock())[:19].replace(":", "")
                target = self.root / "backups" / f"{database.path.stem}-before-{stamp}.db"
                done += migrate(
                    database.path,
                    product=schema.product,
                    migrations=schema.migrations,
                    backup_to=target if database.path in held and not target.exists() else None,
                )
        return done

    def secret(self, name: str) -> bytes:
        """A key from ``secrets.toml``.

        Raises:
            StateError: The file or the key is missing: every join that it made would be lost.
        """
        path = self.root / SECRETS_NAME
        try:
            value = tomllib.loads(path.read_text(encoding="utf-8")).get(name)
        except OSError:
            value = None
        except tomllib.TOMLDecodeError as cause:
            raise InputError(f"{SECRETS_NAME} is not valid TOML: {cause}", field=name) from cause
        if not isinstance(value, str) or not value:
            raise StateError(
                f"{SECRETS_NAME} has no {name}",
                hint="restore it from a backup: without it earlier data cannot be joined",
            )
        return bytes.fromhex(value)

    def text_secret(self, name: str) -> str:
        """A password, address or key that a person put into ``secrets.toml``; empty if nobody did.

        ``WHISTLESTOP_SECRET_NAME`` in the environment wins.
        """
        variable = f"WHISTLESTOP_SECRET_{name.upper().replace('-', '_')}"
        if variable in self._environment:
            return self._environment[variable]
        try:
            found = tomllib.loads((self.root / SECRETS_NAME).read_text(encoding="utf-8")).get(name)
        except OSError:
            return ""
        except tomllib.TOMLDecodeError as cause:
            raise InputError(f"{SECRETS_NAME} is not valid TOML: {cause}", field=name) from cause
        if not isinstance(found, str | None):
            raise InputError(f"{name} in {SECRETS_NAME} is not text", field=name)
        return found or ""

    def shown(self, path: Path) -> str:
        """A path inside the workspace, as a user would type it from there."""
        try:
            return path.absolute().relative_to(self.root).as_posix()
        except ValueError:
            return str(path)


def save(workspace: Workspace, target: Path) -> list[str]:
    """Back a workspace up: both databases, data, proposal files and keys in one zip.

    The file holds ``secrets.toml``; keep it as you keep the keys.

    Args:
        workspace: What to save; it may be in use.
        target: The zip to write; an existing one is refused.

    Returns:
        Names of the members.

    Raises:
        InputError: ``target`` exists.
    """
    if target.exists():
        raise InputError(f"{target} exists", field="target", hint="choose another name")
    partial = target.with_name(f".{target.name}.partial")
    copies = workspace.root / "backups"
    own = {target.absolute(), partial.absolute()}  # a backup into the workspace holds not itself
    members: list[str] = []
    try:
        handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
            for database in (workspace.db, workspace.archive):
                if database.path.exists():
                    copy = copies / f".{database.path.name}"
                    backup(database.path, copy)
                    out.write(copy, database.path.name)
                    copy.unlink()
                    members.append(database.path.name)
            for path in sorted(workspace.root.rglob("*")):
                name = path.relative_to(workspace.root).as_posix()
                if _worth_saving(path, name) and path not in own:
                    out.write(path, name)
                    members.append(name)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return members


def restore(source: Path, target: Path) -> list[str]:
    """Unpack a backup into a new or empty folder.

    Args:
        source: A zip that :func:`save` wrote.
        target: The folder; it must not hold anything.

    Returns:
        Names of the members.

    Raises:
        InputError: The zip is none of ours, or the folder holds something.
    """
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{target} is not empty", field="target", hint="restore into a new folder")
    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
            bad = [n for n in names if n.startswith(("/", "\\")) or ".." in Path(n).parts]
            if bad or CONFIG_NAME not in names:
                raise InputError(f"{source} is not a whistlestop backup", field="source")
            damaged = archive.testzip()
            if damaged:
                raise InputError(f"{source}: {damaged} is damaged", field="source")
            target.mkdir(parents=True, exist_ok=True)
            archive.extractall(target)
    except (OSError, zipfile.BadZipFile) as cause:
        raise InputError(f"cannot read {source}: {cause}", field="source") from cause
    key = target / SECRETS_NAME
    if key.exists():
        key.chmod(0o600)
    return names


def _worth_saving(path: Path, name: str) -> bool:
    top = name.split("/", 1)[0]
    databases = ("workspace.db", "archive.db")
    kept = not top.startswith(databases) and top != "backups" and not name.endswith(".partial")
    return kept and path.is_file()
