"""`make differential`: a million applications by program and by columns, twenty policies by ten thousand in warehouses and in Spark."""

from __future__ import annotations

import sys

from differential.__main__ import main

PARTS = {
    "program": ["--small", "--policies", "200", "--applications", "5000", "--paths", "reference,compiled,json"],
    "columns": ["--small", "--policies", "60", "--applications", "25000", "--paths", "columnar"],
    "warehouses": ["--small", "--policies", "20", "--applications", "10000", "--paths", "duckdb,postgres"],
    "spark": ["--small", "--policies", "20", "--applications", "10000", "--paths", "spark", "--jobs", "1"],
}

if __name__ == "__main__":
    sys.exit(max(main(PARTS[name]) for name in sys.argv[1:] or PARTS))
