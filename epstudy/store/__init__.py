"""The Store, the truth of a study: input files by content, results by key, manifests by study name.

What is written is there whole or not at all, and the first result under a key stays. Everything in Redis may vanish;
what is here is enough to go on.

    store.json                           the identity of this store
    clean.json                           what was no study's when the store was last cleaned, and since when
    inputs/ab/abcdef….idf                an input file under the digest of its content
    results/ab/abcdef….json              a result under its key; never changed
    results/ab/abcdef….<artifact>        what stands beside a result: a requested output, a kept file
    results/ab/abcdef….files.json        the digests of what stands beside a result
    results/ab/abcdef….failed.json       the last failure under that key, until a result replaces it
    results/ab/abcdef….failed.<artifact> what stands beside a failure; its digests in ….failed.files.json
    attempts/ab/abcdef….json             the tries of a variant under its key, each noted before it is begun
    studies/<name>/manifest.json         the study as it was last run
    studies/<name>/cancelled             there while the study is cancelled
    studies/<name>/paused                there while the study is paused
    wanted/<name>                        there while the study is under way: the pool that is to bring it to its end
    asked/<id>, reports/<id>/            queued reports: see reports.py
    pools/<host>-<user id>.json          where a user's private pool of this store is: see pool/record.py
    parts/                               files that are being written, under the name of the process that does
"""

from epstudy.store.checksummed import DamagedFileWarning
from epstudy.store.cleaned import Cleaned
from epstudy.store.reports import ReportEnd, ReportRequest
from epstudy.store.store import Store
from epstudy.store.studies import Wanted

__all__ = ["Cleaned", "DamagedFileWarning", "ReportEnd", "ReportRequest", "Store", "Wanted"]
