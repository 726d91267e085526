"""How many clips of known classes may be refused as none of them: what is wanted of a threshold for unknown sounds. No torch."""

from __future__ import annotations

from labcore.errors import ConfigError

REFUSED = 0.05
"""The share of clips of known classes that may be refused wrongly, where nobody says otherwise."""
LARGEST = 0.5


def require_share(refused: float) -> None:
    """Raises ConfigError for what is no share that can be asked for."""
    if not 0 <= refused <= LARGEST:
        raise ConfigError(f"{refused:g} is no share of clips to refuse wrongly", f"Choose 0 to {LARGEST:g}")
