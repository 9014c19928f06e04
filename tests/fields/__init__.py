"""Every field that a plan can declare, changed behind its back: the diff names it."""
