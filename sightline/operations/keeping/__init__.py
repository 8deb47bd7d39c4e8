"""What is kept, on which basis and for how long: registers, retention, removal, notices, backups, who looked."""
