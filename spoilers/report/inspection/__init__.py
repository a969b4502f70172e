"""What the reviews are like, and which words tell the classes apart."""
