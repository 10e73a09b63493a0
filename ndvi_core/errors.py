"""The errors of the library. Each says what was wrong, where, and what to do; its class, whether to try again."""

EXIT_DEFECT = 1
EXIT_BAD_INPUT = 2
EXIT_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


class NdviError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = EXIT_DEFECT


class BadInput(NdviError):
    """A file, a setting or an argument is wrong; the message names it and the remedy."""

    exit_code = EXIT_BAD_INPUT


class NotFound(BadInput):
    """An object or file that should be there is not."""


class SceneUnreadable(NdviError):
    """A scene's asset is broken, missing or of an unexpected layout. Its cells fail; others go on."""


class SceneUnreachable(SceneUnreadable):
    """A scene's asset could not be read for now: network, server. Its cells fail until they are computed again."""


class TryAgain(NdviError):
    """A service could not be reached or gave up for now: network, S3, STAC API. A later try may succeed."""

    exit_code = EXIT_TRY_AGAIN
