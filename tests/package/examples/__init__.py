"""One file for each framework: a shop with one product, and its tests. docs/sandbox.md shows them."""
