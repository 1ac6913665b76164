"""Every bound that keeps bad input from costing more than a second: one place, each with its diagnostic code.

A policy or an application that exceeds a bound gets the coded message named beside it; nothing is truncated.
The bounds are generous: the 2023 call of Regione Lombardia uses less than a tenth of any of them.
"""

from typing import Final

POLICY_BYTES: Final = 2_000_000  # too-large
SOURCE_BYTES: Final = 20_000_000  # too-large, of a source's text or list of norms
YAML_NODES: Final = 60_000  # too-many-entries
YAML_DEPTH: Final = 40  # too-deep
EXPRESSION_CHARACTERS: Final = 8_000  # expression-too-long
EXPRESSION_TOKENS: Final = 2_000  # expression-too-long
EXPRESSION_DEPTH: Final = 48  # expression-too-deep
CHAIN_TERMS: Final = 100  # expression-too-long: a + b + c + ...
CORE_NODES: Final = 60_000  # policy-too-complex: formulas are inlined, and could double at each level
NUMBER_DIGITS: Final = 40  # number-too-long, in a policy and in data
NUMBER_BITS: Final = 8_192  # a computed number beyond this is a fault
POWER_EXPONENT: Final = 100  # exponent-too-large
NAME_CHARACTERS: Final = 100  # name-too-long
DIAGNOSTICS: Final = 200  # more are counted, not listed

APPLICATION_BYTES: Final = 50_000_000  # too-large
APPLICATION_DEPTH: Final = 40  # too-deep
TEXT_CHARACTERS: Final = 20_000  # text-too-long
LIST_LENGTH: Final = 10_000  # list-too-long, where a list declares no `at_most`
RECORDS: Final = 200_000  # too-many-records, over all lists of one application
STEPS_BASE: Final = 1_000_000  # too-many-steps: expression nodes evaluated in one decision
STEPS_PER_RECORD: Final = 1_000  # and so many more for every record of the application

SHEET_BYTES: Final = 400_000_000  # workbook-too-large: what a workbook or a zip unpacks to
SHEET_CELLS: Final = 3_000_000  # too-many-cells, over all sheets of a file
SHEET_HEADER_ROWS: Final = 20  # no-header: how far down the row of headings is looked for
