"""What a release is made of, and whether anything of it is known to be unsafe: `make sbom` and `make audit`."""
