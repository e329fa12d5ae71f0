"""Every route that is about a repository × everybody who may knock: the same table of rights behind each door."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from tests.conftest import RunningHub
from tulou.delivery.kit.routes import Login, Route
from tulou.kernel.actor import Action, TokenRole

# What the private repository `acme/secret` allows each persona, at most. None: they may not know that it exists.
PERSONAS: dict[str, Action | None] = {
    "anonymous": None,
    "outsider": None,
    "outsider with a read token": None,
    "reader": Action.READ_CONTENT,
    "contributor": Action.READ_CONTENT,
    "writer": Action.WRITE,
    "owner": Action.ADMIN,
    "owner with a read token": Action.READ_CONTENT,
    "owner with a fine-grained token for something else": None,
    "hub administrator": Action.ADMIN,
}
VALUES = {"rev": "main", "path": "nothing", "branch": "b", "tag": "t", "num": "1", "rest": "x", "index_file": "model.safetensors"}


@dataclass(frozen=True, slots=True)
class Door:
    """A request that can be made of a route, for any repository."""

    route: Route
    method: str

    def knock(self, client: httpx.Client, account: str, name: str) -> httpx.Response:
        """Make the request, with a harmless empty body."""
        pattern = self.route.pattern.replace("{kind}", (self.route.kind.plural if self.route.kind else "models"))
        for key, value in {**VALUES, "account": account, "name": name}.items():
            pattern = pattern.replace(f"{{{key}*}}", value).replace(f"{{{key}}}", value)
        pattern = pattern.replace("{", "").replace("*}", "").replace("}", "")
        return client.request(self.method, pattern, json={} if self.method in {"POST", "PUT", "PATCH", "DELETE"} else None)


def doors(hub: RunningHub) -> list[Door]:
    """Return every request on every route that is gated by an action on a model."""
    return [
        Door(route, method)
        for route in hub.hub.router.routes
        if isinstance(route.access, Action)
        and route.login in {Login.TOKEN, Login.EITHER}
        and (route.kind is None or not route.kind.prefix)
        for method in route.methods
    ]


def people(hub: RunningHub) -> dict[str, httpx.Client]:
    """Return a client for each persona."""
    names = ("olga", "wanda", "carl", "rita", "mallory")
    tokens = {name: hub.user(name) for name in names}
    admin = hub.user("root", admin=True)
    hub.org("acme", olga="admin", wanda="write", carl="contributor", rita="read")
    return {
        "anonymous": hub.http(),
        "outsider": hub.http(tokens["mallory"]),
        "outsider with a read token": hub.http(hub.token("mallory", TokenRole.READ)),
        "reader": hub.http(tokens["rita"]),
        "contributor": hub.http(tokens["carl"]),
        "writer": hub.http(tokens["wanda"]),
        "owner": hub.http(tokens["olga"]),
        "owner with a read token": hub.http(hub.token("olga", TokenRole.READ)),
        "owner with a fine-grained token for something else": hub.http(hub.token("olga", TokenRole.FINE_GRAINED)),
        "hub administrator": hub.http(admin),
    }


def visible(answer: httpx.Response) -> tuple[object, ...]:
    """Return everything of an answer that could tell a secret."""
    headers = {k: v for k, v in answer.headers.items() if k not in {"date", "x-request-id", "ratelimit"}}
    return answer.status_code, headers, answer.content


def test_whoever_may_not_know_of_a_repository_gets_the_answer_for_a_missing_one(hub: RunningHub) -> None:
    clients = people(hub)
    hub.repo("acme/secret", private=True)
    for door in doors(hub):
        for persona, right in PERSONAS.items():
            if right is not None:
                continue
            hidden, missing = (door.knock(clients[persona], "acme", name) for name in ("secret", "nothing"))
            assert visible(hidden) == visible(missing), (persona, door)
            assert hidden.status_code == (401 if persona == "anonymous" else 404), (persona, door)


def test_no_route_gives_more_than_the_table_of_rights(hub: RunningHub) -> None:
    clients = people(hub)
    hub.repo("acme/secret", private=True)
    for door in doors(hub):
        assert isinstance(door.route.access, Action)
        for persona, right in PERSONAS.items():
            if right is None:
                continue
            status = door.knock(clients[persona], "acme", "secret").status_code
            if door.route.access > right:
                assert status == 403, (persona, door, status)
            else:
                assert status not in {401, 500, 502, 503}, (persona, door, status)


def test_every_unsafe_route_ignores_the_session_cookie_or_wants_the_same_origin(hub: RunningHub) -> None:
    hub.user("alice")
    for route in hub.hub.router.routes:
        for method in set(route.methods) & {"POST", "PUT", "PATCH", "DELETE"}:
            if route.login is Login.COOKIE:
                path = "/".join("x" if part.startswith("{") else part for part in route.pattern.split("/"))
                headers = {
                    "cookie": "tulou_session=whatever",
                    "origin": "https://elsewhere.example",
                    "sec-fetch-site": "cross-site",
                }
                answer = hub.http().request(method, path, headers=headers)
                assert answer.status_code == 403, (method, path, answer.status_code)
