"""Turn what was built into the order that starts the application."""

from __future__ import annotations

from urllib.parse import urlsplit

from tulou.features.repos.model import Repo
from tulou.features.runs import base, flavors
from tulou.features.runs.model import Order, OrderMount
from tulou.features.spaces import packages, ports
from tulou.features.spaces.model import Built, Plan, Setting, Space
from tulou.platform.machinery import Machinery
from tulou.platform.net import apps_host

APP = "/app"
ENV = "/env"
DATA = "/data"
SCRATCH_MB = 10_240
"""What it may write besides: below /app, which is forgotten when it ends."""


def order(m: Machinery, repo: Repo, space: Space, built: Built, variables: list[Setting], volumes: list[OrderMount]) -> Order:
    """Return the order for the application of a Space. Secrets go beside it."""
    plan = built.plan
    flavor = flavors.get(m, space.hardware)
    port = ports.choose(m, plan.port)
    chosen = {each.name: each.value or "" for each in variables if not each.is_secret}
    ours = {**_about(m, repo, space, plan), "CPU_CORES": f"{flavor.cpus:g}", "MEMORY": f"{flavor.memory_mb}Mi"}
    data = [OrderMount(f"data:{repo.id}", DATA, "rw")] if space.storage_mb else []
    return Order(
        argv=_argv(plan, port),
        image=plan.image,
        mounts=(*_code(repo, built), *data, *volumes),
        env={**_defaults(m, repo, space, plan, port), **chosen, **ours},
        cwd=plan.script.workdir if plan.script else APP,
        cpus=flavor.cpus,
        memory_mb=flavor.memory_mb,
        disk_mb=SCRATCH_MB + space.storage_mb,
        network="egress",
        port=port,
        ready_s=plan.ready_s,
    )


def _code(repo: Repo, built: Built) -> list[OrderMount]:
    """Return where the application and its packages are."""
    script = built.plan.script
    if script is None:
        return [OrderMount(f"repo:{repo.id}@{built.plan.commit}", APP, "overlay"), OrderMount(f"env:{built.env}", ENV)]
    rooms = [OrderMount(f"tree:{built.env}/{packages.ROOMS}/{room}", f"/{room}", "overlay") for room in script.rooms]
    return [OrderMount(f"tree:{built.env}/{packages.ENV}", ENV), *rooms]


def _argv(plan: Plan, port: int) -> tuple[str, ...]:
    if plan.script is not None:
        return plan.script.argv
    if plan.sdk == "streamlit":
        # The application has an origin of its own, which the proxy holds WebSockets to; Streamlit only knows its own address.
        flags = ("--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1",
                 "--browser.gatherUsageStats=false", "--server.enableCORS=false", "--server.enableXsrfProtection=false",
                 "--server.fileWatcherType=none")  # fmt: skip
        return (f"{ENV}/bin/python", "-m", "streamlit", "run", plan.app_file, *flags)
    return (f"{ENV}/bin/python", plan.app_file)


def _defaults(m: Machinery, repo: Repo, space: Space, plan: Plan, port: int) -> dict[str, str]:
    """What a variable of the Space may change."""
    env = {
        "PATH": f"{ENV}/bin:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": ENV,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "HF_ENDPOINT": base.endpoint(m),
    }
    if space.storage_mb:
        env["HF_HOME"] = f"{DATA}/.huggingface"
    if plan.script is not None:
        return env | plan.script.env
    # On disk, where the home directory is memory: models are large.
    env = {"XDG_CACHE_HOME": f"{APP}/.cache", "HF_HOME": f"{APP}/.cache/huggingface", **env}
    if plan.sdk == "gradio":
        env |= {
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SSR_MODE": "False",
            "GRADIO_TEMP_DIR": "/tmp/gradio",  # noqa: S108 - the run's own
        }
        if apps_host.is_path_mode(m.settings):
            env["GRADIO_ROOT_PATH"] = f"/spaces/{repo.name.full}/app"
    return env


def _about(m: Machinery, repo: Repo, space: Space, plan: Plan) -> dict[str, str]:
    """What the application may know of itself, as on the Hub. No variable overrides it."""
    origin = apps_host.origin(m.settings, m.settings.public_url or m.compute.loopback, space.slug)
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": repo.name.full,
        "SPACE_HOST": urlsplit(origin).netloc if origin else "",
        "SPACE_AUTHOR_NAME": repo.name.account,
        "SPACE_REPO_NAME": repo.name.name,
        "SPACE_TITLE": plan.title or repo.name.name,
        "SPACE_CREATOR_USER_ID": repo.account_id,
        "SPACE_COMMIT_SHA": plan.commit,
        "ACCELERATOR": "none",
    }
