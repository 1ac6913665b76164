"""Stage 2: `ast` to `core`, the policy as meant: names resolved, types known, sugar gone.

Takes `ast.PolicyDoc`, gives `core.Policy` and every mistake at once; never reads YAML, never evaluates.
"""
