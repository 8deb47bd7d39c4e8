"""A study's files found, and made ready: unpacked, and those of Stata, SPSS and SAS turned into Parquet."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sightline import evaluation
from sightline.evaluation import Study
from sightline.sources import statistical
from sightline.vocabulary.errors import NothingHeld, UnreadableFile


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a study: extracts by name, files of plans, and the file of links if there is one."""

    npd: dict[str, tuple[Path, ...]]
    plans: tuple[Path, ...]
    links: Path | None

    def all(self) -> list[Path]:
        parts = [*(p for paths in self.npd.values() for p in paths), *self.plans]
        return [*parts, *([self.links] if self.links else [])]


TEXT: Final = (".csv", ".txt", ".tsv", ".tab")
ELSEWHERE: Final[Mapping[str, str]] = {
    ".rds": "R (write.csv)",
    ".rdata": "R (write.csv)",
    ".xlsx": "Excel (save as CSV)",
}
"""Files of other programs, and how each writes the text that is read here."""
OTHER_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "exclusions": ("exclusion", "suspensions", "suspension"),
    "ks1": ("ks1pupil", "ks1candidate"),
    "ks2": ("ks2pupil", "ks2candidate"),
    "ks4": ("ks4pupil", "ks4candidate"),
}


def form(path: Path) -> tuple[str, str]:
    """What a file is called without its ending, and its ending without .gz, both in small letters."""
    name = path.name.lower().removesuffix(".gz")
    stem, _, ending = name.rpartition(".")
    return (stem, f".{ending}") if stem else (name, "")


def is_text(path: Path) -> bool:
    return form(path)[1] in TEXT


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _statistical(path: Path) -> bool:
    return form(path)[1] in statistical.PROGRAMS


def shown(path: Path) -> str:
    """What a file is called in a sentence: one made from a file of Stata, SPSS or SAS as that was called."""
    name = path.name.removesuffix(".parquet")
    return name if statistical.is_statistical(Path(name)) else path.name


def _bears(path: Path, name: str) -> bool:
    """Whether a file's name says that it is this extract: census_2018.csv, Spring_Census_2018.txt, KS4Pupil.csv.gz."""
    words = re.split(r"[^a-z0-9]+", form(path)[0])
    return bool({name, *OTHER_WORDS.get(name, ())} & set(words)) and "cin" not in words


def find(study: Study, base: Path) -> Found:
    """The files a study names, below the folder it lies in. NothingHeld says which is missing, and where."""
    folder = base / study.data.npd
    if not folder.is_dir():
        raise NothingHeld(f"There is no folder of NPD extracts at {folder} (data.npd of the study).")
    listed = sorted(p for p in folder.iterdir() if p.is_file())
    npd = {}
    for name in evaluation.NPD:
        mine = [p for p in listed if _bears(p, name)]
        files = [p for p in mine if is_text(p) or p.suffix.lower() == ".parquet" or _packed(p) or _statistical(p)]
        if not files and name in ("census", "absence", "exclusions"):
            raise NothingHeld(_none(name, folder, mine))
        npd[name] = tuple(files)
    plans = tuple(sorted({p for pattern in study.data.plans for p in base.glob(pattern) if p.is_file()}))
    if not plans:
        raise NothingHeld(f"No file of plans is at {', '.join(study.data.plans)} below {base} (data.plans).")
    links = base / study.data.links if study.data.links else None
    if links and not links.is_file():
        raise NothingHeld(f"There is no file of links at {links} (data.links of the study).")
    return Found(npd, plans, links)


def _none(name: str, folder: Path, mine: list[Path]) -> str:
    """The sentence for an extract that is not there, or lies there as a file of another program."""
    for path in mine:
        program = ELSEWHERE.get(path.suffix.lower())
        if program:
            return (
                f"{path.name} is a file of {program.partition(' (')[0]}, which is not read. Save it as CSV: {program}."
            )
    return (
        f"There is no {name} extract (CSV, Parquet, Stata, SPSS or SAS, plain, .gz or .zip, with '{name}' in its name) "
        f"in {folder}."
    )


def unpacked(found: Found, folder: Path) -> Found:
    """The same files with those in .zip unpacked into a folder, and those of Stata, SPSS and SAS made Parquet there."""

    def ready(path: Path) -> tuple[Path, ...]:
        parts = _unzipped(path, folder) if _packed(path) else [path]
        return tuple(_plain(p, folder) for p in parts)

    links = ready(found.links)[0] if found.links else None
    return Found(
        {name: tuple(p for path in paths for p in ready(path)) for name, paths in found.npd.items()},
        tuple(p for path in found.plans for p in ready(path)),
        links,
    )


def _plain(path: Path, folder: Path) -> Path:
    """A file that DuckDB reads: this one, or the Parquet made of one of Stata, SPSS or SAS."""
    if not _statistical(path):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    # Files of one name may lie in different folders (a study of plans by authority, say).
    place = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    inside = folder / place / path.name.removesuffix(path.suffix if path.suffix.lower() == ".gz" else "")
    inside.parent.mkdir(exist_ok=True)
    if path.suffix.lower() != ".gz":
        target = inside.with_name(inside.name + ".parquet")
        statistical.to_parquet(path, target, keep=evaluation.may_want)
        return target
    try:
        with opened(path) as packed, inside.open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (OSError, EOFError, zlib.error):
        raise UnreadableFile(f"{path.name} is damaged or cut short; make it again.") from None
    return _plain(inside, folder)


def _unzipped(path: Path, folder: Path) -> list[Path]:
    made = []
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = Path(member.filename).name
                if member.is_dir() or name.startswith(".") or "__MACOSX" in member.filename:
                    continue
                target = folder / f"{path.stem}-{name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
                made.append(target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise UnreadableFile(f"{path.name} is damaged, cut short or locked with a password; make it again.") from None
    if not made:
        raise UnreadableFile(f"{path.name} holds no file.")
    return sorted(made)


def opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]
