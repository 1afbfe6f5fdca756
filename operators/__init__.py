"""The operators' pages: what they see of people and lenders, and how two of them change it."""
