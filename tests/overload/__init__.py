"""Deployments of a test's own, with servers of their own: a backlog, a storm of kills, lenders that
hang.
"""
