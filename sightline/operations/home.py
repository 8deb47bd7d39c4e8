"""A home: the folder in which one authority's store, settings and agreed column mappings live."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sightline.linkage import Model
from sightline.sources.intake import NOT_FOR_RECEIPT
from sightline.store import Store
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

DEFAULT = Path("sightline-data")


@dataclass(frozen=True, slots=True)
class Home:
    """One authority's folder. Settings are read when it is opened."""

    path: Path
    settings: Settings
    store: Store

    @classmethod
    def open(cls, path: Path | None = None) -> Self:
        """The home at `path`, else at SIGHTLINE_HOME, else `sightline-data` in the current folder.

        Made when it is not there, readable by its owner alone. Raises BadSetting when its settings are wrong.
        """
        folder = path or Path(os.environ.get("SIGHTLINE_HOME") or DEFAULT)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = Store.open(folder / "store")
        # Who receives the folder that the home is in means the files beside it.
        (store.root / NOT_FOR_RECEIPT).touch()
        return cls(folder, settings_of(folder), store)

    @property
    def model_path(self) -> Path:
        """Where a model of linkage is kept once one has been learnt."""
        return self.path / "models" / "linkage.json"

    def linkage_model(self) -> Model | None:
        """The model kept, or None where each build learns its own. Raises BadSetting when the file is not one."""
        return Model.load(self.model_path) if self.model_path.is_file() else None

    def mappings(self) -> dict[str, Mapping[str, str]]:
        """Column mappings agreed with senders, by the fingerprint of the header they belong to."""
        path = self.path / "mappings.toml"
        if not path.is_file():
            return {}
        try:
            with path.open("rb") as stream:
                agreed = tomllib.load(stream).get("mappings", {})
        except tomllib.TOMLDecodeError as error:
            raise BadSetting(f"mappings.toml is not valid TOML: {error}.") from error
        return {str(key): {str(k): str(v) for k, v in value.items()} for key, value in agreed.items()}


def settings_of(folder: Path) -> Settings:
    path = folder / "sightline.toml"
    return Settings.from_toml(path) if path.is_file() else Settings()
