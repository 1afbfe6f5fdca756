"""How Django's own pages, which are the operators', write days, times and numbers: as
`core/spelling.py` does.
"""
