"""One folder per stage, always with these files: dialogue, collect, measure, checks, policy.

A file is absent if the stage does not need it. `confirmation` holds three stages of one shape.
Stages are independent of each other. `routes.py` gives their order.
`case/stages.py` adds the consent and the question to each route.
"""
