"""Numbers of proposals, each with its unit and source. Reviewed 2026-12-03."""

# Days in which a proposal can be confirmed; ours: a week has a working day of each operator.
PROPOSAL_DAYS = 7

# Ended proposals on the page; ours: about a month of a busy installation.
ENDED_SHOWN = 50
