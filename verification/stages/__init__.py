"""What the borrower is asked, one folder a stage, always these files: dialogue, collect, measure,
checks, policy.

A file is absent where the stage needs none. What grew over 300 lines has one file more: the live
capture has `kept` (the kinds of its evidence, and how they are read back), `facts` below `measure`,
and `gates` below `checks`. No stage knows another. Which come in which order stands in `routes.py`;
consent and question are in none of these routes, for `case/stages.py` weaves them into each.
"""
