"""Sets that grow together as links between their members are found (union-find)."""


class DisjointSets:
    """`count` places, each a set of its own at first; a set bears the number of its smallest place."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, place: int) -> int:
        """The smallest place of the set."""
        parent = self._parent
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def join(self, one: int, other: int) -> bool:
        """Put two sets together; False if they were one already."""
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low
        return low != high

    def roots(self) -> tuple[int, ...]:
        """The set of each place."""
        return tuple(self.root(place) for place in range(len(self._parent)))
