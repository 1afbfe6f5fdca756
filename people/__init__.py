"""The people who sign in: reviewers of one lender, regulators, operators. All use two factors."""
