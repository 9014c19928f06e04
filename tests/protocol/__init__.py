"""Who writes when: two reconcilers and one other writer, all their interleavings on a small world."""
