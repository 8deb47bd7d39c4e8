"""Who may be shown a child by name after the plan has ended: the clocks of each child, and the recorded bases."""
