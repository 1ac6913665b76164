"""Fast paths, each tested equal to `evaluate/reference.py`, which stays the one meaning.

A settled policy becomes a Python program (`program.py`, `expressions.py`), run on the records of one application (`planned.py`). What a
program cannot tell, an unknown or a computation without a result, is asked of the reference, step by step.
"""
