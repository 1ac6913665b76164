"""This engine's reference: the meaning, written to be read."""

from __future__ import annotations

from contenders import bandolo_compiled


class Contender(bandolo_compiled.Contender):
    title = "Bandolo, reference"
    engine = "reference"
