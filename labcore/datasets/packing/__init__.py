"""Data sets in archives: zip and tar files, WebDataset's tars, Parquet with sounds inside. What is there, and safely out of them.

An archive is unpacked into the workspace by an import (:mod:`labcore.importing`). What it says is not believed: names that lead
out of it, links and devices are refused, and so is what would unpack to more than it can honestly hold.
"""

from labcore.datasets.packing.found import Packed, PackedError, archives_in, handed_in, packed_at, packed_files, stem_of
from labcore.datasets.packing.members import Member

__all__ = ["Member", "Packed", "PackedError", "archives_in", "handed_in", "packed_at", "packed_files", "stem_of"]
