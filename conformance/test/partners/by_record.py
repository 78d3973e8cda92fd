# SPDX-License-Identifier: Apache-2.0
"""Puts the folder of the recordings on the path: its reader and writer of stubs, its clients."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
RECORD = ROOT / "vectors" / "captures" / "record"
for folder in (RECORD, ROOT / "conformance" / "test"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
