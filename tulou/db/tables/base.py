"""What every table is made of: the metadata, and the types of ids, hashes and names."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Integer, String

metadata = sa.MetaData()

ID = String(24)
SHA1 = String(40)
SHA256 = String(64)
NAME = String(96)
# SQLite only counts up on INTEGER primary keys.
SERIAL = BigInteger().with_variant(Integer, "sqlite")
