"""Arrays in, small frozen records out: intervals, regressions, resampling. Nothing here knows of children or files."""
