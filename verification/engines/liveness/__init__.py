"""What the frames of a live capture show: gestures, depth, one continuous face, freshness. Numbers,
no verdict.
"""
