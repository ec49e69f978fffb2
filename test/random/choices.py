"""choices.py - every random decision of a generator, as a list of small numbers.

A generator asks `below(n)`; the answers are kept. The same list played again makes the same query, and
a *smaller* list (parts left out, numbers made smaller, zeros where it ends) makes a simpler one: that
is all that shrinking has to know. The idea is Hypothesis' (MacIver, "Test-Case Reduction via Test-Case
Generation", 2020). It asks one thing of the grammars: alternative 0 is always the simplest.
"""

import random


class Choices:
    def __init__(self, seed=None, replay=None):
        self._random = random.Random(seed) if replay is None else None
        self._replay = replay
        self.made = []

    def below(self, count):
        """A number from 0 to count - 1."""
        if self._replay is None:
            made = self._random.randrange(count)
        elif len(self.made) < len(self._replay):
            made = min(self._replay[len(self.made)], count - 1)
        else:
            made = 0
        self.made.append(made)
        return made

    def chance(self, one_in):
        """True once in [one_in]; never where the list has ended."""
        return self.below(one_in) == one_in - 1

    def mostly(self, one_not_in):
        """False once in [one_not_in]; never where the list has ended."""
        return self.below(one_not_in) != one_not_in - 1

    def pick(self, values):
        return values[self.below(len(values))]

    def weighted(self, *pairs):
        """One of the values of (weight, value) pairs; the first is the simplest."""
        at = self.below(sum(weight for weight, _ in pairs))
        for weight, value in pairs:
            if at < weight:
                return value
            at -= weight
        raise AssertionError

    def some(self, values, least, most):
        """From [least] to [most] different ones of [values], in a random order."""
        left = list(values)
        out = []
        want = least + self.below(max(0, min(most, len(left)) - least) + 1)
        while left and len(out) < want:
            out.append(left.pop(self.below(len(left))))
        return out


def smaller(made, size):
    """The lists to try in place of [made], each without, with zeros for, or less of a run of [size]."""
    for start in range(len(made) - size, -1, -max(1, size // 2)):
        yield made[:start] + made[start + size:]
    for start in range(len(made) - size, -1, -max(1, size // 2)):
        if any(made[start:start + size]):
            yield made[:start] + [0] * size + made[start + size:]
    if size == 1:
        for start in range(len(made) - 1, -1, -1):
            if made[start] > 1:
                yield made[:start] + [made[start] // 2] + made[start + 1:]
                yield made[:start] + [made[start] - 1] + made[start + 1:]
