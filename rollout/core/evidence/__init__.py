"""The judge: counts of minutes → what they show about the candidate. Pure, and always valid.

Always valid: the probability that a candidate which is no worse is ever rolled back is at most α, however often anybody
looks and whenever they stop looking (an e-process and Ville's inequality). docs/statistics.md has the formulas, their
sources, and what was measured.
"""
