"""A decoder of the fast pixel model in plain Python and numpy scalars, written from the description and not from the kernel."""

import numpy as np

from lacodec.codecs.image.lossless.fast.tile import _model, _start, _tokens

F = np.float32
TREND = ((-1, 0), (-1, -1), (-1, 1), (-2, 0), (-2, 1), (-1, 2), (-1, -2), (-2, -1), (0, -2), (0, -1))
BESIDE = ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1))
EXPECTED = ((0, -1, 0), (0, -1, 1), (0, -1, -1), (0, -2, 0), (0, 0, -2))


def _pairs(terms):
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) // 2 * 2 :]
    return terms[0]


def _halves(vector):
    while len(vector) > 1:
        vector = vector[: len(vector) // 2] + vector[len(vector) // 2 :]
    return vector[0]


class Reader:
    """`pixels()` is the planes."""

    def __init__(self, payload, shape, top):
        self.planes, self.height, self.width = shape
        self.top, self.level = top, payload[0]
        self.state = int.from_bytes(payload[1:9], "little")
        self.words = np.frombuffer(payload, "<u4", offset=9).tolist()
        model = _model()
        self.coefficients, self.near, self.expect = model["coefficients"], model["near"], model["expect"]
        counts, tables, due = _start()
        self.counts = counts.reshape(-1, 48).astype(np.int64)
        self.tables = [np.append(table[:48], 32768).astype(np.int64) for table in tables.reshape(-1, 64)]
        self.due = due.astype(np.int64)
        self.values = np.full(shape, -1)
        self.errors, self.sizes, self.trust = {}, {}, {}

    def pixels(self):
        for step in range(self.height + self.planes - 1):
            for x in range(self.width + 2 * self.planes - 2):
                for p in range(self.planes):
                    if 0 <= step - p < self.height and 0 <= x - 2 * p < self.width:
                        self.pixel(p, step - p, x - 2 * p)
        assert self.state == 1 << 32 and not self.words
        return self.values

    def place(self, p, y, x):
        """Where the value for a neighbour lies: margins repeat the row above's first pixel, the own last one, the last row."""
        y = min(y, self.height - 1)
        if x < 0:
            return p, y - 1, 0
        return p, y, min(x, self.width - 1)

    def value(self, p, y, x):
        p, y, x = self.place(p, y, x)
        return F((self.top + 1) // 2) if y < 0 else F(self.values[p, y, x])

    def pixel(self, p, y, x):
        vector = np.zeros(16, F)
        offsets = [(1, *at) for at in BESIDE] if p else []
        offsets += [(2, *at) for at in BESIDE[:5]] if p == 2 else []
        offsets += [(0, *at) for at in TREND]
        terms = [self.coefficients[p, k] * self.value(p - b, y + dy, x + dx) for k, (b, dy, dx) in enumerate(offsets)]
        guess = _pairs(terms[:-1]) + terms[-1]
        parts = [self.errors.get(self.place(p, y + dy, x + dx), vector) * self.near[p, k] for k, (dy, dx) in enumerate(AROUND)]
        ratio = self.near[p, 6] / ((_pairs(parts[:-1]) + self.near[p, 5]) + parts[-1])
        weight = ratio * ratio
        blend = _halves(weight * guess) / _halves(weight)
        size = self.expected(p, y, x)
        fraction, exponent = np.frexp(size)
        octave = int(np.clip(int(exponent) - 1 + 3, -1, 16))
        number = min(max(octave * 4 + int((float(fraction) * 2 - 1) * 4), 0), 63)
        apart = guess - blend
        sets = self.sets(p, y, x, blend, number)
        fix = F(0)
        for chosen in sets:
            fix = fix + _halves(apart * self.trust.setdefault(chosen, vector))
        power = _halves(apart * apart)
        sought = blend + fix
        mean = min(max(sought, F(0)), F(self.top))
        base = int(mean + F(0.5))
        beyond = mean - F(base)
        shift = max(number // 4 - 6, 0)
        context = (p * 64 + number) * 2 + (abs(beyond) > F(0.25))
        value = base + (-1 if beyond < 0 else 1) * self.read(context, shift)
        assert 0 <= value <= self.top
        self.values[p, y, x] = value
        step = (F(value) - sought) * F(0.08) / (power + size * size * F(2048) + F(1))
        for chosen in sets:
            self.trust[chosen] = self.trust[chosen] + apart * step
        self.errors[p, y, x] = abs(F(value) - guess)
        self.sizes[p, y, x] = abs(F(value) - mean)

    def sets(self, p, y, x, blend, number):
        if not self.level:
            return []
        sets = [(p, 0, min(max((number - 4) // 8, 0), 3))]
        if self.level > 1:
            neighbours = ((-1, 0), (-1, 1), (-1, -1), (0, -1))
            signs = tuple(bool(self.value(p, y + dy, x + dx) > blend) for dy, dx in neighbours)
            sets += [(p, 1, signs), (p, 2, (x + 4) // 32 % 64)]
        return sets

    def expected(self, p, y, x):
        f = self.expect[p]

        def size(back, dy, dx):
            return self.sizes.get(self.place(p - back, y + dy, x + dx), F(0))

        total = f[0] + size(*EXPECTED[0]) * f[1]
        for k, at in enumerate(EXPECTED[1:], 2):
            total = total + size(*at) * f[k]
        if p == 0:
            n, nw, ne, w = (self.value(p, y + dy, x + dx) for dy, dx in ((-1, 0), (-1, -1), (-1, 1), (0, -1)))
            for k, term in enumerate((abs(n - nw), abs(n - ne), abs(w - nw)), 7):
                total = total + term * f[k]
        for k, at in enumerate(((1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0)), 7):
            if p:
                total = total + size(*at) * f[k]
        if p == 2:
            total = total + size(2, 0, 0) * f[11]
        return total + size(0, 0, -1) * f[6]

    def read(self, context, shift):
        table = self.tables[context]
        slot = self.state & 32767
        token = max(k for k in range(48) if table[k] <= slot)
        self.state = int(table[token + 1] - table[token]) * (self.state >> 15) + slot - int(table[token])
        span = int(_tokens()[1][shift * 48 + token])
        bits, low = span & 255, span >> 8
        raw = self.state & ((1 << bits) - 1)
        self.state >>= bits
        if self.state < 1 << 32:
            self.state = self.state << 32 | self.words.pop(0)
        self.count(context, token)
        return low + raw

    def count(self, context, token):
        counts, due = self.counts[context], self.due[context]
        counts[token] += 32
        due[0] -= 1
        if due[0]:
            return
        total = int(counts.sum())
        if total > 1 << 17:
            counts[:] = (counts + 1) >> 1
            total = int(counts.sum())
        freqs = [(int(n) * ((32720 << 24) // total) >> 24) + 1 for n in counts]
        freqs[freqs.index(max(freqs))] += 32768 - sum(freqs)
        self.tables[context] = np.append(0, np.cumsum(freqs))
        due[1] = min(due[1] * 2, 256)
        due[0] = due[1]
