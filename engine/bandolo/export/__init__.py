"""A policy in other forms: JSON Schemas, and the generated tables of the language reference.

Takes `core.Policy`, or the language's own tables; gives data or text; decides nothing.
"""
