"""How two policies differ in meaning: takes two checked policies, gives changes as data and in the call's own words.

`difference.py` is the pass; `change.py` what it gives; `canonical.py` says when two formulas mean the same; `pages.py` and `sheet.py`
put it on a terminal and on the change sheet.
"""
