"""A policy as a view of a warehouse: its complete applications are decided in SQL, exactly; the others are left to the engine.

Needs sqlglot (the extra `sql`). Takes a checked policy and its settings; gives SQL text, or the constructs that it cannot say.
"""
