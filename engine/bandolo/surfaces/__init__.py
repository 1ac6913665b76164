"""What people and programs use from outside: the command line. Thin: each command calls one thing below and shows what it gives."""
