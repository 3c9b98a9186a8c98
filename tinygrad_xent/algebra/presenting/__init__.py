"""What an attempt came to, as people see it and as programs read it.

Read `steps.py` and `derivation.py`, the plain data; `report.py`, which makes them from an attempt;
`caveats.py`, what a reader should know besides; `certifying.py`, the same as a certificate.
"""
