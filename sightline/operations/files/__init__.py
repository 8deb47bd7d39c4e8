"""What comes in: files received and checked, columns mapped, schools fetched, loads previewed, undone and withdrawn."""
