"""Makes calls from four threads with a quota that this host's processes share.

Arguments: how many requests a window of how many seconds admits, the folder of the quotas, the name
of this process, and how many calls. Reads RESAYIL_API_KEY and RESAYIL_BASE_URL.
"""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import resayil

limit, window, folder, name, count = sys.argv[1:]

# Anything that is to be warned of is a failure.
warnings: list[str] = []


class Warned(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "quota_not_shared" in record.getMessage():
            warnings.append(record.getMessage())


logging.getLogger("resayil").addHandler(Warned(logging.WARNING))
client = resayil.Client(
    quota=resayil.Quota(limit=int(limit), window=float(window)),
    share_quota=True,
    quota_folder=folder,
)


def ask(index: int) -> None:
    messages = [{"role": "user", "content": f"{name} {index}"}]
    client.chat.completions.create(model="mistral", messages=messages)


with ThreadPoolExecutor(4) as pool:
    list(pool.map(ask, range(int(count))))
if warnings:
    sys.exit("\n".join(warnings))
