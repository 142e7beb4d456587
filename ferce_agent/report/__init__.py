"""The contracts: what leaves the library, as validated data."""
