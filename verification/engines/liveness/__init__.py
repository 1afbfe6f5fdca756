"""Measurements on live-capture frames: gestures, depth, continuity of the face, freshness.
Numbers, no verdict.
"""
