"""Trusted adults: the named adult at school whom a child turns to, and the one the child's parent does."""
