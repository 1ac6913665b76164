"""Stage 3: `core` and an application to a decision.

Takes a checked policy and plain data, gives a frozen `Decision`, or diagnostics at `$.paths`; never touches `ast`, reads no file and
no clock. `reference.py` is the definition of the language.
"""
