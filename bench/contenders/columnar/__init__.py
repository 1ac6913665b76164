"""One module a contender by columns: each has `TITLE`, and `prepared()`, which gives what decides the tables of bench/columns.py.

What decides gives `eligible`, `cents` and `score` of each application. ImportError says that a package is missing.
"""
