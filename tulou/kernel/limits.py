"""Every limit that the program enforces, by name and unit."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

NAME_CHARS: Final = 96
PATH_BYTES: Final = 1024
PATH_DEPTH: Final = 32
REF_BYTES: Final = 250
REFS_PER_REPO: Final = 10_000

JSON_BYTES: Final = 2 * MIB
PREUPLOAD_FILES: Final = 1_000
MATCH_STEPS: Final = 4_000_000
"""Comparisons of the paths of one request with patterns of `.gitignore` and `.gitattributes`: a few seconds."""
NDJSON_LINE: Final = 128 * MIB
"""One inline file, base64 encoded. The Hub takes inline files over 10 MB from clients that ask for it."""
COMMIT_BYTES: Final = 1 * GIB
COMMIT_FILES: Final = 25_000
INLINE_LFS_THRESHOLD: Final = 10 * MIB
"""Larger files go to large-file storage whatever `.gitattributes` says."""
COMMIT_MESSAGE: Final = 64 * KIB

FRONT_MATTER: Final = 256 * KIB
"""Cards of datasets with hundreds of configurations pass 150 KB. Reading this much takes at most 0.2 s."""
YAML_DEPTH: Final = 32
YAML_NODES: Final = 60_000
CARD_BYTES: Final = 512 * KIB

TREE_PAGE: Final = 1_000
LIST_PAGE: Final = 1_000
PATHS_INFO: Final = 1_000
BUCKET_BATCH: Final = 5_000
"""Files that one request changes in a bucket, in one transaction: clients send 1,000."""
BUCKET_BATCH_BYTES: Final = 16 * MIB
BUCKET_FOLDER_ROWS: Final = 100_000
"""Files that one listing looks at to say when the last one came to each folder, shared out among its folders."""
COMMITS_PAGE: Final = 50

DIFF_FILES: Final = 300
DIFF_BYTES: Final = 400 * KIB
"""Text that the page of one commit shows; the files beyond it are folded."""
DIFF_LINES: Final = 6_000
DIFF_FILE_BYTES: Final = 512 * KIB
DIFF_FILE_LINES: Final = 20_000
"""Two files without a common line cost the square of this."""
DIFF_SECONDS: Final = 3.0
EDIT_BYTES: Final = 1 * MIB
"""A text file may be changed in the browser up to this size."""
SHOWCASE_SECONDS: Final = 900
"""A link to a file on the second origin works this long."""
VIEWER_MEDIA_SECONDS: Final = 3600
"""A link to a picture or sound in a cell of a dataset works this long."""
SQL_CHARS: Final = 20_000
FORM_UPLOAD_FILES: Final = 100
FORM_UPLOAD_BYTES: Final = 10 * GIB
"""One upload by the plain form; the script of the upload page has no such limits."""

PUSH_PACK: Final = 5 * GIB
PUSH_OBJECTS: Final = 2_000_000
PUSH_BLOB: Final = 10 * MIB
"""A plain git blob in a push may not be larger: it belongs in large-file storage."""

PUSH_TREE_FILES: Final = 1_000_000
"""Files that one pushed commit may hold, every folder counted as often as it appears."""
PUSH_COMMIT_BYTES: Final = 1 * MIB
PUSH_TREE_BYTES: Final = 16 * MIB
PUSH_TREES_BYTES: Final = 2 * GIB
"""All folders and commits of one push, unpacked: each is read to be judged, and deltas can make them out of nothing."""
PUSH_PARENTS: Final = 100
PUSH_TAG_CHAIN: Final = 8
PUSH_COMMANDS: Final = 10_000
GIT_REQUEST: Final = 64 * MIB
"""Body of a fetch request, unpacked: what the client has and wants."""
BODY_IDLE_SECONDS: Final = 60
"""A client that sends nothing of its body for this long is let go."""

LFS_OBJECT: Final = 512 * GIB
LFS_BATCH: Final = 1_000
LFS_PART: Final = 128 * MIB
LFS_PARTS: Final = 4_096
"""Parts of all objects of one batch together; with more, each part grows."""
LFS_UPLOAD_SECONDS: Final = 6 * 3600
"""A link to upload with works this long: clients ask for the links of a whole folder before they send the first file."""
LFS_DOWNLOAD_SECONDS: Final = 600
LFS_LOCKS: Final = 10_000
LOCKS_PAGE: Final = 100
LFS_MULTIPART_FROM: Final = 512 * MIB

XORB_RAW: Final = 64 * MIB
XORB_CHUNKS: Final = 8_192
XORB_CHUNK: Final = 128 * KIB
XORB_BODY: Final = XORB_RAW + 8 * XORB_CHUNKS + MIB
SHARD_BYTES: Final = 64 * MIB
SHARD_ENTRIES: Final = 100_000
"""Files, and xorbs, that one shard may name."""
SHARD_CHUNKS: Final = 16_000_000
"""Chunks, counted with repetition, that one shard may make us look at: about 1 TiB of ordinary data."""
XET_FILE_BYTES: Final = 1024 * GIB
"""One file, and everything in one shard together."""
XORB_URL_SECONDS: Final = 3600
XET_TOKEN_SECONDS: Final = 3600
DEDUP_FILES: Final = 4
DEDUP_ANSWER: Final = 4 * MIB
DEDUP_HINT: Final = 16 * MIB
DEDUP_KEY_SECONDS: Final = 7 * 24 * 3600
"""Clients believe a deduplication answer this long; it must be well below the grace period of garbage collection."""
RECONSTRUCTION_FILES: Final = 100
XET_INGEST_FROM: Final = MIB
"""Smaller large files stay whole blobs."""

HEADER_JSON: Final = 100 * MIB
"""Largest safetensors header that the format allows; we read at most `HEADER_READ`."""
HEADER_READ: Final = 8 * MIB

TOKENS_PER_ACCOUNT: Final = 100
DISK_RESERVE: Final = 256 * MIB
"""Uploads stop before the disk has less than this left."""
EXPORT_FILES: Final = 200_000
EXPORT_BYTES: Final = 1024 * GIB
"""Files of one repository, and their bytes, that one program is given as a folder."""
EXPORT_DEPTH: Final = 64

APP_HEAD_BYTES: Final = 64 * KIB
APP_HEAD_FIELDS: Final = 200
"""Headers of one answer of an application."""
APP_REQUESTS: Final = 256
"""Requests that one application may have under way through the proxy, open event streams among them."""
APP_SOCKETS: Final = 256
"""WebSockets that one application may have open through the proxy."""
APP_MESSAGE: Final = 16 * MIB
"""One message of a WebSocket, in either direction."""
APP_IDLE_SECONDS: Final = 600
"""An answer that brings nothing for this long, or whose reader takes nothing, is cut off."""
VISIT_SECONDS: Final = 12 * 3600
"""A browser that was let into a private Space need not ask again for this long; its right is checked at every request."""
VISIT_TICKET_SECONDS: Final = 60
"""The link that lets it in works this long."""

BUILD_MEMORY_MB: Final = 2048
BUILD_SECONDS: Final = 1800
"""Each of the two steps of building a Space may take this long."""
BUILDS_AT_ONCE: Final = 4
"""Builds of one account that go on at a time; others wait for their turn."""
SPACES_AWAKE: Final = 32
"""Applications of one account that run at a time."""
SPACE_SETTINGS: Final = 200
"""Variables and secrets of one Space together."""
SPACE_VALUE: Final = 32 * KIB
SPACE_VOLUMES: Final = 20
SPACE_LIVES_MS: Final = 60_000
"""An application that ends sooner after its start is not started again by itself."""

DOCS_FILES: Final = 20_000
"""Files below `docs` that a documentation site looks at."""
DOCS_PAGES: Final = 3_000
"""Pages of one language."""
DOCS_TEXT: Final = 32 * MIB
"""Markdown of one language that is searched, checked, or handed out as one text."""
DOCS_PACKAGES: Final = 4
DOCS_MEMBERS: Final = 400
"""Members of one class that a page shows."""
DOCS_OBJECTS: Final = 5_000
"""Objects of Python that the pages of one language describe."""
DOCS_SECONDS: Final = 20
"""Checking a site, or writing its search index, ends with what was seen by then."""
DOCS_EXPORT: Final = 8 * MIB
"""All pages as one text."""
DOCS_PROBLEMS: Final = 1_000
"""Problems that the check of a site lists."""

JOB_SECONDS_DEFAULT: Final = 30 * 60
JOB_SECONDS: Final = 7 * 24 * 3600
"""A job may run this long."""
JOB_ATTEMPTS: Final = 10
JOB_ARGUMENT_BYTES: Final = 96 * KIB
"""One argument of a program has 128 KiB at most on Linux."""
JOB_VARIABLES: Final = 500
JOB_VARIABLES_BYTES: Final = 256 * KIB
JOB_LABELS: Final = 50
JOB_VOLUMES: Final = 20
JOBS_AT_ONCE: Final = 8
"""Jobs of one account that run at the same time; more wait."""
JOBS_LIVE: Final = 200
"""Jobs of one account that run or wait."""
JOBS_SCHEDULED: Final = 100
"""Schedules of one account."""
JOBS_PAGE: Final = 100
IMAGE_FILES: Final = 1_000_000
IMAGE_BYTES: Final = 100 * GIB
"""Files of one imported image, and their bytes."""

VIEWER_FILES: Final = 200_000
"""A dataset with more files has no viewer."""
VIEWER_CHILD_MEMORY: Final = 2 * GIB
"""What the program that reads a dataset may hold in memory."""
VIEWER_SMALL_BYTES: Final = 4 * MIB
"""A smaller dataset is gone through at once, when it is looked at."""
VIEWER_LOOK_SECONDS: Final = 60
VIEWER_PASS_SECONDS: Final = 900
VIEWER_PASS_BYTES_A_SECOND: Final = 256 * KIB
"""Processor time for the first rows; for the whole; and for each so many bytes of the data, a second more."""
