"""`make demo`: plays lender, borrower and regulator against a running Tulga, through HTTP only."""
