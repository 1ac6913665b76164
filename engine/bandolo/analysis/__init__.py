"""What is asked about policies themselves: how two differ in meaning, what a change does to applications, where the edges are.

Takes checked policies and applications, gives data; `surfaces` prints it.
"""
