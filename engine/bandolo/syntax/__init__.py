"""Stage 1: source text to `ast`, the policy as written, each node with its place.

Takes a source file, gives `ast.PolicyDoc` and diagnostics; never looks up a name, never knows a type.
"""
