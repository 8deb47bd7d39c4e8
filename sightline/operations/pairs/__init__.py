"""Who is who: the records of one child linked, doubtful pairs read by people, children found by their names."""
