"""Files as they are written: the one way in which a policy, an amendment or a case file is laid out.

Takes the bytes of a file, gives its text in the canonical layout, or the reasons why it is left alone. Comments, the order of keys and
the meaning stay: `same.py` reads the new text again and refuses it where it says anything else.

bytes ─▶ tree and comments ─▶ lines ─▶ checked text        whole.py
         syntax/, comments.py  printer.py  same.py
"""
