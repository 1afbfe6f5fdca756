"""What the borrower is asked, one folder a stage, always these files: dialogue, collect, measure,
checks, policy.

A file is absent where the stage needs none. `confirmation` holds three stages of one shape. No
stage knows another. Which come in which order stands in `routes.py`; no route lists consent and
question, for `case/stages.py` weaves them into each.
"""
