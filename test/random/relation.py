"""relation.py - a query as an input of others."""

from expressions import both


class Rel:
    """A query as an input of others.

    append:   nothing but insertions.
    exact:    one source and one order of rows: the change log can be compared, not only the end.
    single:   the result follows from the order of arrival, which more workers or mini-batch may change.
    punctual: no row is late, whatever the speeds of the inputs (of relations with a time attribute).
    sets:     groups of several sets of keys.
    """

    def __init__(self, query, columns, append=True, exact=True, single=False, table=None, punctual=True,
                 ties=False, sets=False):
        self.query, self.columns, self.table = query, columns, table
        self.append, self.exact, self.single = append, exact, single
        self.punctual, self.ties, self.sets = punctual, ties, sets

    def source(self):
        return both(self.table) if self.table else both('({0})', self.query)

    def time(self):
        return next((c for c in self.columns if c.rowtime), None)
