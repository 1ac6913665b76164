"""What the language is, before any stage: its types, its values, and the table of operators and functions.

Takes nothing, gives the vocabulary that checker, evaluator, reference pages and tests share; never reads a file.
"""
