"""Empty: `measure.run` makes the tables once those that they point at are there."""
