"""One meaning: generated policies and applications, decided by every path there is, compared, and shrunk where two disagree.

`policies` makes policies, `applications` makes applications, `paths` holds a small adapter for each way of deciding, `compare` holds
them against the reference, `shrink` makes a disagreement small, `python -m differential` runs it all at length (`make differential`).
"""
