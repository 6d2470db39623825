"""Asking on a real PostgreSQL: what happens, what is due, and what was told of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.events.envelope import Fact
from otklik_common.events.feedback import Case
from otklik_common.events.leads import Deal, Lead
from otklik_common.ids import subject_id
from otklik_common.links import link_token
from otklik_common.reading import ReadEvent
from otklik_feedback.actions.inviting import Inviting
from otklik_feedback.actions.planning import PlanAsking
from tests.integration.feedback.conftest import World

SMS = {"channels": ["sms"]}


@dataclass
class Asking:
    """One company's asking; its clock is the database's."""

    world: World

    @property
    def tenant(self) -> str:
        """The company."""
        return self.world.tenant

    async def programme(self, code: str = "after-call", **said: Any) -> dict[str, Any]:
        """A programme that asks for an NPS by text message after each contact."""
        if "survey" not in said:
            said["survey"] = await self.world.survey()
        body = {"trigger": "contact_ended", "channels": ["sms"], "late_hours": 720} | said
        made = await self.world.call("PUT", f"/programmes/{code}", body)
        assert made.status_code == 200, made.text
        # Tests tell of what happened a while ago.
        await self.world.admin.execute(
            "UPDATE feedback.programmes SET body = jsonb_set(body, '{since}',"
            " '\"2020-01-01T00:00:00+00:00\"') WHERE tenant = $1",
            self.tenant,
        )
        found: dict[str, Any] = made.json()
        return found

    def person(self, number: int, kind: str = "ph") -> str:
        """A pseudonym."""
        return f"{kind}1_{number:032}"

    async def happens(
        self,
        fact: Fact,
        subject: UUID,
        *,
        revision: int = 1,
        void: bool = False,
    ) -> None:
        """Let the planner hear of a fact, as its consumer would."""
        await self.happen([(fact, subject)], revision=revision, void=void)

    async def happen(
        self, facts: list[tuple[Fact, UUID]], *, revision: int = 1, void: bool = False
    ) -> None:
        """The same of many, in one batch."""
        now = datetime.now(UTC)
        events = [
            ReadEvent(
                tenant=self.tenant,
                kind=fact.kind,
                verb="changed",
                version=1,
                subject=subject,
                epoch=1,
                revision=revision,
                void=void,
                time=now,
                recorded_at=now,
                raw=fact.model_dump_json().encode(),
                topic="otklik.contact-center",
                partition=0,
                offset=place,
            )
            for place, (fact, subject) in enumerate(facts)
        ]
        async with self.world.worker.begin_as_worker() as tx:
            planner = PlanAsking(self.world.platform.directory("feedback"))
            await planner.apply(tx, events)

    def contact(self, name: str, *people: str, **said: Any) -> tuple[Contact, UUID]:
        """A call that has just ended."""
        usual: dict[str, Any] = {
            "source": subject_id(self.tenant, "source", f"{self.tenant}.default"),
            "channel": Channel.CALL,
            "direction": Direction.IN,
            "branch": "tyumen",
            "identifiers": people or (self.person(1),),
            "ended_at": datetime.now(UTC) - timedelta(minutes=1),
        }
        return Contact(**usual | said), self.world.contact_id(name)

    async def ends(self, name: str, *people: str, revision: int = 1, **said: Any) -> None:
        """A call ends."""
        fact, subject = self.contact(name, *people, **said)
        await self.happens(fact, subject, revision=revision)

    def deal(self, **said: Any) -> Deal:
        """A side of a deal."""
        return Deal(
            deal=UUID(int=5),
            dealt_at=datetime.now(UTC) - timedelta(minutes=1),
            identifiers=(self.person(1),),
            party="buyer",
            **said,
        )

    def case(self, **said: Any) -> Case:
        """A case that is closed."""
        at = datetime.now(UTC) - timedelta(minutes=1)
        usual = {"reason": "nps", "opened_at": at, "due_at": at, "closed_at": at}
        return Case(**{**usual, "identifiers": (self.person(1),), **said})

    def lead(self, **said: Any) -> Lead:
        """A request that was closed without a deal."""
        at = datetime.now(UTC) - timedelta(minutes=1)
        usual: dict[str, Any] = {
            "contact": UUID(int=1),
            "source": UUID(int=2),
            "channel": Channel.CALL,
            "identifiers": (self.person(1),),
            "created_at": at,
            "last_requested_at": at,
            "closed_at": at,
        }
        return Lead(**usual | said)

    def inviting(self) -> Inviting:
        """One of those who look at what is due."""
        platform = self.world.platform
        return Inviting(self.world.worker, platform.directory("feedback"), platform.settings.master)

    async def look(self) -> None:
        """Decide on all that is due."""
        inviting = self.inviting()
        while await inviting.step():
            pass

    async def invitations(self, code: str = "after-call", **query: str) -> list[dict[str, Any]]:
        """What became of a programme's plans."""
        items: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            found = await self.world.call(
                "GET",
                f"/programmes/{code}/invitations",
                params={"limit": "200", **query, **after},
            )
            assert found.status_code == 200, found.text
            items += found.json()["items"]
            if found.json()["next_cursor"] is None:
                return items
            after = {"cursor": found.json()["next_cursor"]}

    async def invited(self, code: str = "after-call") -> dict[str, Any]:
        """The one invitation of a programme that was sent."""
        [one] = [each for each in await self.invitations(code) if each["invited_at"]]
        return one

    def token(self, invitation: str) -> str:
        """The token that the sender makes of an invitation's fact."""
        return link_token(self.world.platform.settings.master, self.tenant, UUID(invitation))

    async def earlier(self, span: timedelta) -> None:
        """Let time pass: everything that was done so far was done that much earlier."""
        seconds = int(span.total_seconds())
        await self.world.admin.execute(
            """
            UPDATE feedback.invitations SET next_at = next_at - $2 * interval '1 second',
                due_at = due_at - $2 * interval '1 second',
                body = CASE WHEN body->'sent' = 'null' THEN body ELSE
                    jsonb_set(body, '{sent}', (body->'sent') || jsonb_build_object(
                    'invited_at', (body->'sent'->>'invited_at')::timestamptz
                        - $2 * interval '1 second',
                    'expires_at', (body->'sent'->>'expires_at')::timestamptz
                        - $2 * interval '1 second')) END
            WHERE tenant = $1""",
            self.tenant,
            seconds,
        )
        await self.world.admin.execute(
            "UPDATE feedback.links SET expires_at = expires_at - $2 * interval '1 second'"
            " WHERE tenant = $1",
            self.tenant,
            seconds,
        )
        await self.world.admin.execute(
            """
            UPDATE feedback.asked_people SET body = jsonb_set(body, '{asked}', coalesce((
                SELECT jsonb_agg(jsonb_set(one, '{1}',
                    to_jsonb((one->>1)::timestamptz - $2 * interval '1 second')))
                FROM jsonb_array_elements(body->'asked') one), '[]'))
            WHERE tenant = $1""",
            self.tenant,
            seconds,
        )

    async def answer(
        self, token: str, values: Any = None, *, at: str | None = None, **said: Any
    ) -> Any:
        """Answer by a link."""
        body = {
            "link": token,
            "at": at or "2026-03-02T18:00:00+03:00",
            "values": {"nps": 9} if values is None else values,
        } | said
        return await self.world.call("POST", "/answers", body)
