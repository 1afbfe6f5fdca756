"""The humans who sign in: reviewers of one lender, regulators, operators. Two factors for all of
them.
"""
