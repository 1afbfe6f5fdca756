"""Formats of days, times and numbers on Django's own pages, for operators: as in
`core/spelling.py`.
"""
