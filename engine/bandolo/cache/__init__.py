"""Compiled policies kept between runs: what was read and checked once need not be read and checked again.

`coding` turns a checked policy into plain data and back, `entries` keeps such data in files. An entry holds data only, of a closed list
of classes; nothing in it is ever executed.
"""
