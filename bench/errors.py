"""What can go wrong, by name.  Each message says what was found, what was expected, what to do."""


class GrindstoneError(Exception):
    """The base of all errors that are a person's to mend; its text is one line for that person."""


class DataError(GrindstoneError):
    """A data set is missing, damaged or not what its name says."""


class CacheError(GrindstoneError):
    """The cache cannot be written or read: no permission, no space."""


class WorkerError(GrindstoneError):
    """A worker did not finish its training: it died, ran out of memory or hung."""


class UnableError(GrindstoneError):
    """A mode cannot train what a file of one's own has: nothing failed, and nothing was trained."""


class RecordError(GrindstoneError):
    """A record cannot be written or read."""
