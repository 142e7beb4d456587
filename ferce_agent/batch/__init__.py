"""Batches: many photos, clips and voices read by several processes or machines into tables that can be resumed."""
