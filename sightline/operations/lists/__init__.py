"""Which children: the lists people work from, of a school, a team, a forum or a kind of worry, and one child whole."""
