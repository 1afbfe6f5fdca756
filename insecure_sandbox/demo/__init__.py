"""`make demo`: plays lender, borrower and regulator against a running Tulga, knowing only what HTTP
gives.
"""
