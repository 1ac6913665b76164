"""Small wrong changes of a policy, each run against its cases: a change that no case notices is a question that no case asks.

Takes a policy and its case files, gives mutants and their fates; prints nothing.
"""
