"""What happens over all applications together: strikes, order, ties, budget.

`assess.py` decides one application and takes from the decision what the ranking needs; `procedure.py` strikes and ranks, `order.py`
orders, `spending.py` spends; `words.py` says why each row stands where it stands; `wire.py` is the JSON form. Pure: the order of the
applications never matters (LANGUAGE.md, "Ranking").
"""
