"""Every type of page, with an address in the furnished hub and somebody who looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import tulou
from tests.browser.content import LONG_NAME


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to look at. `status`: what it answers with."""

    name: str
    path: str
    user: str | None = None
    status: int = 200


MODEL = "/alice/roundhouse"
DOCS = "/docs/acme/handbook/main"
MANUAL = f"/docs/tulou/{tulou.__version__}"
DEEP = "a-folder-with-a-long-name/" * 6

PAGES = [
    Shown("home", "/"),
    Shown("home-signed-in", "/", "alice"),
    Shown("models", "/models"),
    Shown("models-filtered", "/models?pipeline_tag=text-generation&sort=downloads"),
    Shown("models-search", "/models?search=clay"),
    Shown("models-none", "/models?search=nothing-has-this-name"),
    Shown("datasets", "/datasets"),
    Shown("spaces", "/spaces"),
    Shown("search", "/search?q=clay"),
    Shown("search-chinese", "/search?q=绝句"),
    Shown("search-none", "/search?q=nothing-has-this-name"),
    Shown("connect", "/connect"),
    Shown("cli", "/cli"),
    Shown("not-found", "/nobody/nothing", "alice", status=404),
    Shown("not-found-unless-signed-in", "/nobody/nothing", status=401),
    Shown("model", MODEL),
    Shown("model-owner", MODEL, "alice"),
    Shown("model-chinese", "/alice/tulou-poet"),
    Shown("model-long-name", f"/alice/{LONG_NAME}"),
    Shown("model-base", "/acme/clay-base"),
    Shown("model-no-card", "/alice/no-card", "alice"),
    Shown("model-empty", "/alice/empty", "alice"),
    Shown("model-private", "/alice/secret-plans", "alice"),
    Shown("tensors", f"{MODEL}/tensors"),
    Shown("dataset", "/datasets/acme/weather"),
    Shown("space", "/spaces/acme/will-it-rain-in"),
    Shown("space-owner", "/spaces/acme/will-it-rain-in", "alice"),
    Shown("space-card", "/spaces/acme/will-it-rain-in/card"),
    Shown("space-logs", "/spaces/acme/will-it-rain-in/logs/build", "alice"),
    Shown("space-runtime", "/spaces/acme/will-it-rain-in/runtime", "alice"),
    Shown("space-duplicate", "/spaces/acme/will-it-rain-in/duplicate", "bob"),
    Shown("space-gallery", "/new/space"),
    Shown("space-from-template", "/new/space/chat", "alice"),
    Shown("jobs", "/jobs/alice", "alice"),
    Shown("new-job", "/new/job", "alice"),
    Shown("kernel", "/kernels/acme/softmax"),
    Shown("model-with-docs", "/acme/handbook"),
    Shown("docs", f"{DOCS}/en/index"),
    Shown("docs-owner", f"{DOCS}/en/index", "alice"),
    Shown("docs-constructs", f"{DOCS}/en/constructs"),
    Shown("docs-objects", f"{DOCS}/en/api"),
    Shown("docs-chinese", f"{DOCS}/zh/index"),
    Shown("docs-untranslated", f"{DOCS}/zh/api"),
    Shown("docs-search", f"{DOCS}/zh?q=数据集"),
    Shown("docs-search-none", f"{DOCS}/en?q=nothing-has-this-name"),
    Shown("docs-check", f"{DOCS}/en/_check", "alice"),
    Shown("manual", f"{MANUAL}/en/index"),
    Shown("manual-course", f"{MANUAL}/en/course/infer"),
    Shown("manual-course-chinese", f"{MANUAL}/zh/course/index"),
    Shown("manual-reference", f"{MANUAL}/en/reference/errors"),
    Shown("tree", f"{MODEL}/tree/main"),
    Shown("tree-owner", f"{MODEL}/tree/main", "alice"),
    Shown("tree-folder", f"{MODEL}/tree/main/docs"),
    Shown("tree-hundred", "/alice/hundred-files/tree/main"),
    Shown("tree-deep", f"/alice/{LONG_NAME}/tree/main/{DEEP.rstrip('/')}"),
    Shown("tree-empty", "/alice/empty/tree/main", "alice"),
    Shown("blob-code", f"{MODEL}/blob/main/train.py"),
    Shown("blob-markdown", f"{MODEL}/blob/main/docs/notes.md", "alice"),
    Shown("blob-notebook", f"{MODEL}/blob/main/look.ipynb"),
    Shown("blob-image", f"{MODEL}/blob/main/loss.png"),
    Shown("blob-audio", f"{MODEL}/blob/main/bell.wav"),
    Shown("blob-json", f"{MODEL}/blob/main/config.json"),
    Shown("blob-table", "/datasets/acme/weather/blob/main/data/train.csv"),
    Shown("blob-jsonl", "/datasets/bob/lines/blob/main/lines.jsonl"),
    Shown("blob-weights", f"{MODEL}/blob/main/model.safetensors"),
    Shown("blob-html", f"{MODEL}/blob/main/page.html"),
    Shown("blob-svg", f"{MODEL}/blob/main/house.svg"),
    Shown("commits", f"{MODEL}/commits/main"),
    Shown("commits-file", f"{MODEL}/commits/main/train.py"),
    Shown("commit", f"{MODEL}/commit/main"),
    Shown("branches", f"{MODEL}/branches", "alice"),
    Shown("edit", f"{MODEL}/edit/main/README.md", "alice"),
    Shown("new-file", f"{MODEL}/new/main", "alice"),
    Shown("delete-file", f"{MODEL}/delete/main/bell.wav", "alice"),
    Shown("upload", f"{MODEL}/upload/main", "alice"),
    Shown("repo-settings", f"{MODEL}/settings", "alice"),
    Shown("buckets", "/buckets/alice", "alice"),
    Shown("buckets-none", "/buckets/bob", "bob"),
    Shown("bucket", "/buckets/alice/training-runs"),
    Shown("bucket-folder", "/buckets/alice/training-runs/tree/run-1", "alice"),
    Shown("bucket-empty", "/buckets/alice/nothing-yet", "alice"),
    Shown("bucket-settings", "/buckets/alice/training-runs/settings", "alice"),
    Shown("profile", "/alice"),
    Shown("profile-own", "/alice", "alice"),
    Shown("organization", "/acme"),
    Shown("organization-settings", "/organizations/acme/settings", "alice"),
    Shown("login", "/login"),
    Shown("sign-in-needed", "/settings/profile", status=401),
    Shown("device", "/device", "alice"),
    Shown("new-repo", "/new", "alice"),
    Shown("new-organization", "/organizations/new", "alice"),
    Shown("settings-profile", "/settings/profile", "alice"),
    Shown("settings-password", "/settings/password", "alice"),
    Shown("settings-two-factor", "/settings/two-factor", "alice"),
    Shown("settings-sessions", "/settings/sessions", "alice"),
    Shown("settings-tokens", "/settings/tokens", "alice"),
    Shown("settings-organizations", "/settings/organizations", "alice"),
    Shown("settings-deleted", "/settings/deleted", "alice"),
    Shown("admin", "/admin", "root"),
    Shown("admin-users", "/admin/users", "root"),
    Shown("admin-organizations", "/admin/organizations", "root"),
    Shown("admin-repositories", "/admin/repositories", "root"),
    Shown("admin-storage", "/admin/storage?preview=1", "root"),
    Shown("admin-account", "/admin/accounts/alice", "root"),
    Shown("admin-machines", "/admin/machines", "root"),
    Shown("admin-tasks", "/admin/tasks?state=done", "root"),
    Shown("admin-audit", "/admin/audit", "root"),
    Shown("admin-enforced", "/admin/enforced", "root"),
]
