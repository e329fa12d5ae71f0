"""Every table, a module for each part of the hub.

Times are Unix milliseconds. Ids are `kernel.ids.new_id()`. Hashes are lower-case hex text.
"""

from __future__ import annotations

from tulou.db.tables.base import metadata
from tulou.db.tables.buckets import bucket, bucket_file
from tulou.db.tables.compute import job, run, scheduled_job, space, space_setting
from tulou.db.tables.large_files import (
    dedup_chunk,
    doomed,
    file_xorb,
    lfs_lock,
    lfs_object,
    repo_file,
    repo_object,
    reservation,
    xet_file,
    xorb,
)
from tulou.db.tables.people import (
    account,
    device_code,
    failed_signin,
    invitation,
    login_link,
    member,
    password,
    recovery_code,
    second_factor,
    session,
    token,
)
from tulou.db.tables.repositories import download_day, facet, pack, pull, redirect, ref, repo, repo_gram, repo_tag
from tulou.db.tables.viewer import viewer_commit, viewer_config, viewer_split
from tulou.db.tables.work import audit, keyring, outbox, search_pending, task

__all__ = [
    "account",
    "audit",
    "bucket",
    "bucket_file",
    "dedup_chunk",
    "device_code",
    "doomed",
    "download_day",
    "facet",
    "failed_signin",
    "file_xorb",
    "invitation",
    "job",
    "keyring",
    "lfs_lock",
    "lfs_object",
    "login_link",
    "member",
    "metadata",
    "outbox",
    "pack",
    "password",
    "pull",
    "recovery_code",
    "redirect",
    "ref",
    "repo",
    "repo_file",
    "repo_gram",
    "repo_object",
    "repo_tag",
    "reservation",
    "run",
    "scheduled_job",
    "search_pending",
    "second_factor",
    "session",
    "space",
    "space_setting",
    "task",
    "token",
    "viewer_commit",
    "viewer_config",
    "viewer_split",
    "xet_file",
    "xorb",
]
