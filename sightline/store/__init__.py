"""The only disk: received bytes, tables and snapshots, added and opened, never changed."""

from sightline.store.files import digest_of
from sightline.store.store import Delivery, Derived, Snapshot, Store, TableFile

__all__ = ["Delivery", "Derived", "Snapshot", "Store", "TableFile", "digest_of"]
