"""What the borrower is asked, one folder a stage, always these files: dialogue, collect, measure, checks, policy.

A file is absent where the stage needs none. No stage knows another; which come in which order stands in `routes.py`.
"""
