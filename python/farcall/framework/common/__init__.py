"""What is left of a former API."""
