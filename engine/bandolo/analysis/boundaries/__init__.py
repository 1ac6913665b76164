"""The boundary book: for each edge of a policy the applications below, at and above it, each with its decision.

`edges` says where a policy turns, `dependencies` which facts move a value, `search` finds applications, `book` puts them together.
"""
