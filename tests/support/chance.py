"""How often a property is tried: on the same examples in `make test`, on many more by chance in `make test-long`."""

from hypothesis import settings

MANY = 10
"""Times as many in `make test-long`."""

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=MANY * settings.default.max_examples, deadline=None, print_blob=True)
settings.load_profile("same")

_USUAL = settings.default.max_examples


def examples(count: int) -> settings:
    """Try a property that takes long on so many examples, and on `MANY` times as many in `make test-long`."""
    return settings(max_examples=count * settings.default.max_examples // _USUAL)
