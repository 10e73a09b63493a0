"""Numbers of examples of a property: always the same ones in `make test`, many more at random in `make test-long`."""

from hypothesis import settings

MANY = 10
"""Factor by which `make test-long` tries more examples."""

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=MANY * settings.default.max_examples, deadline=None, print_blob=True)
settings.load_profile("same")

_USUAL = settings.default.max_examples


def examples(count: int) -> settings:
    """Try a slow property on `count` examples, and on `MANY` times as many in `make test-long`."""
    return settings(max_examples=count * settings.default.max_examples // _USUAL)
