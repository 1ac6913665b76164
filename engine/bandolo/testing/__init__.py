"""Cases beside a policy: an application, what is changed in it, and the decision that is expected.

Takes case files and policies, gives results; prints nothing.
"""
