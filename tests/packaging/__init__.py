"""What is released: lock files, wheel and source, the workflows that make them."""
