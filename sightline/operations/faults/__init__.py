"""What sources disagree on, until it is put right: exceptions, their batches, spot checks, and the score of both."""
