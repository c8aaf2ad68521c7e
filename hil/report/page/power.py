"""How much a number of observations can claim, at 95 % confidence, one-sided."""

import math

import numpy as np

CONFIDENCE = 0.95


def frames_needed(p):
    """The fewest independent observations whose largest bounds the p-quantile: p^n <= 5 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(p))


def quantile(ordered, p):
    """As the judge takes it: the smallest value that at least a share p does not exceed."""
    return ordered[max(math.ceil(p * len(ordered)) - 1, 0)]


def quantile_bound(ordered, p):
    """Upper bound of the true p-quantile from the order statistics, None if there are too few.

    The value with j above it is exceeded by the quantile with probability P(Binomial(n, 1-p) <= j),
    whatever the distribution; the bound is that of the largest j for which this is at most 5 %.
    """
    n = len(ordered)
    if n < frames_needed(p):
        return None
    term = p ** n
    total, j = term, 0
    while True:
        term *= (n - j) / (j + 1) * (1 - p) / p
        # Where p^n is too small for a number, the sum never gets anywhere: take the normal
        # approximation, which is excellent there.
        if total == 0:
            mean, sigma = n * (1 - p), math.sqrt(n * p * (1 - p))
            j = max(math.floor(mean - 1.6449 * sigma) - 1, 0)
            break
        if total + term > 1 - CONFIDENCE or j + 1 >= n:
            break
        total += term
        j += 1
    return ordered[n - 1 - j]


def rate_bound(k, n):
    """Upper bound of a rate of which k were seen in n: Clopper-Pearson; for k = 0 about 3/n."""
    if n == 0 or k >= n:
        return 1.0
    if k == 0:
        return 1 - (1 - CONFIDENCE) ** (1 / n)
    # ln C(n, i) for i = 0 .. k
    i = np.arange(1, k + 1)
    choose = np.concatenate([[0.0], np.cumsum(np.log(n - i + 1) - np.log(i))])
    i = np.arange(k + 1)

    def at_most_k(p):
        logs = choose + i * math.log(p) + (n - i) * math.log1p(-p)
        top = logs.max()
        return math.exp(top) * np.exp(logs - top).sum() if top > -700 else 0.0

    low, high = k / n, 1 - 1e-16
    for _ in range(80):
        middle = (low + high) / 2
        if at_most_k(middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high
