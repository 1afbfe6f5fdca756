"""Who is asked outside. Which adapter asks, and what the operator installed, is read in
installed.py.
"""
