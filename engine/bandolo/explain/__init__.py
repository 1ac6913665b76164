"""Stage 4: a traced decision to reasons as data, then to a page: on a terminal or as Markdown, in Italian or English.

Takes `Decision` and `core.Policy`; never evaluates anything: what was not traced is not shown.
"""
