"""Applications as tables: one sheet an entity, one row a record, keys linking a record to its owner.

`layout.py` says which sheets and columns a policy has; `workbook.py` and `csv_text.py` read the cells of a file, `cells.py` one cell by
the type of its fact, `assemble.py` the rows into applications. What comes out is plain data, read on like that of a JSON file.
"""
