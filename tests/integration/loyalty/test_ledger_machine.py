"""Anything customers, staff and returns do to points, in any order, against a model of three dicts."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.etags import Expected
from otklik_common.ids import short_id
from otklik_common.paging import Cursors, Part
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.settings import Settings
from otklik_loyalty.actions.customers import Means, keep_customer, said
from otklik_loyalty.actions.points import (
    AlreadyReversed,
    audit,
    move_points,
    read_balance,
    read_journal,
    reverse_points,
)
from otklik_loyalty.actions.programme import add_rule
from otklik_loyalty.actions.purchases import NewPurchase, keep_purchases, keep_return, purchase_id
from otklik_loyalty.domain.body import purchase_digest
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.domain.ledger import NotEnoughPoints
from otklik_loyalty.domain.purchase import Line, NewReturn, Purchase, ReturnedMoreThanSold

T = TypeVar("T")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
CUSTOMERS = ("anna", "boris", "clara")


@dataclass
class Account:
    """What the model knows of a customer."""

    points: int = 0
    owed: int = 0

    def add(self, difference: int) -> None:
        """What a purchase earned or took back."""
        if difference > 0:
            paid = min(difference, self.owed)
            self.owed -= paid
            self.points += difference - paid
        else:
            taken = min(-difference, self.points)
            self.points -= taken
            self.owed += -difference - taken


@dataclass
class Bought:
    """What the model knows of a purchase: ten pieces of one line."""

    customer: str
    amount: int
    pieces_back: int = 0
    earned: int = 0

    def due(self) -> int:
        """One point per rouble, of what was kept, rounded as the domain says."""
        back = (2 * self.amount * self.pieces_back + 10) // 20
        share = self.amount // 100
        return share * (self.amount - back) // self.amount if self.amount else 0


class LedgerMachine(RuleBasedStateMachine):
    """Every step is done in the database and in the model; then both are compared."""

    loyalty: ClassVar[Settings]

    moved = Bundle("moved")
    sold = Bundle("sold")

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.tenant = short_id()
        self.api = Database(self.loyalty, "loyalty", "api")
        self.worker = Database(self.loyalty, "loyalty", "worker")
        self.means = Means(Pseudonyms(self.loyalty.master), Sealer(self.loyalty.master))
        self.caller = Caller(self.tenant, "key:test", ALL_SCOPES)
        self.model = {name: Account() for name in CUSTOMERS}
        self.movements: dict[UUID, tuple[str, int]] = {}
        self.reversed: set[UUID] = set()
        self.purchases: dict[str, Bought] = {}
        self.expected_journal = 0
        self.run(self.found())

    async def found(self) -> None:
        for name in CUSTOMERS:
            await keep_customer(
                self.api, self.means, self.caller, name, {}, expected=Expected(None)
            )
        earning = Rule(NOW - timedelta(days=1), "RUB", 1, 1_00)
        await add_rule(self.api, self.caller, earning, now=NOW)

    def run(self, wanted: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(wanted)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.api.close())
            self.run(self.worker.close())
            self.runner.close()

    def in_tx(self, act: Callable[..., Coroutine[Any, Any, T]], *args: Any, **more: Any) -> T:
        async def inside() -> T:
            async with self.api.begin(self.tenant) as tx:
                return await act(tx, *args, **more)

        return self.run(inside())

    def move(self, name: str, points: int, id_: UUID) -> None:
        self.in_tx(
            move_points,
            self.means,
            self.caller,
            name,
            points=points,
            reason="goodwill",
            now=NOW,
            transfer=id_,
        )

    @rule(
        target=moved,
        name=st.sampled_from(CUSTOMERS),
        points=st.integers(-60, 60).filter(bool),
        id_=st.uuids(),
    )
    def by_hand(self, name: str, points: int, id_: UUID) -> Any:
        if id_ in self.movements:
            return multiple()
        account = self.model[name]
        if account.points + points < 0:
            with pytest.raises(NotEnoughPoints):
                self.move(name, points, id_)
            return multiple()
        self.move(name, points, id_)
        account.points += points
        self.movements[id_] = (name, points)
        self.expected_journal += 1
        return id_

    @rule(id_=moved)
    def by_hand_again(self, id_: UUID) -> None:
        self.move(*self.movements[id_], id_)

    @rule(id_=moved)
    def undo(self, id_: UUID) -> None:
        name, points = self.movements[id_]
        account = self.model[name]

        def act() -> None:
            self.in_tx(reverse_points, self.caller, id_, reason="mistake", now=NOW)

        if id_ in self.reversed:
            with pytest.raises(AlreadyReversed):
                act()
        elif account.points - points < 0:
            with pytest.raises(NotEnoughPoints):
                act()
        else:
            act()
            account.points -= points
            self.reversed.add(id_)
            self.expected_journal += 1

    def settle(self, reference: str, bought: Bought) -> None:
        """Move the model's points to what is due."""
        before = self.purchases.get(reference)
        if before and before.customer != bought.customer:
            if before.earned:
                self.model[before.customer].add(-before.earned)
                self.expected_journal += 1
            bought = replace(bought, earned=0)
        difference = bought.due() - bought.earned
        if difference:
            self.model[bought.customer].add(difference)
            self.expected_journal += 1
        self.purchases[reference] = replace(bought, earned=bought.due())

    def push(self, reference: str, name: str, amount: int) -> Any:
        body = Purchase(
            purchase_id(self.tenant, reference),
            reference,
            NOW,
            "RUB",
            (Line("1", 10_000, amount),),
        )
        named = said(self.means, self.tenant, external_id=name)
        assert named is not None
        sent = NewPurchase(body, named, purchase_digest(body, named.person))
        [fate] = self.run(keep_purchases(self.api, self.means.sealer, self.caller, [sent]))
        return fate

    @rule(
        target=sold,
        number=st.integers(0, 3),
        name=st.sampled_from(CUSTOMERS),
        amount=st.integers(0, 60_00),
    )
    def buy(self, number: int, name: str, amount: int) -> str:
        reference = f"p-{number}"
        self.push(reference, name, amount)
        known = self.purchases.get(reference, Bought(name, amount))
        self.settle(reference, replace(known, customer=name, amount=amount))
        return reference

    @rule(reference=sold, pieces=st.integers(1, 6), name=st.text("abc", min_size=1, max_size=2))
    def bring_back(self, reference: str, pieces: int, name: str) -> None:
        known = self.purchases[reference]
        back = NewReturn(f"{name}-{known.pieces_back}-{pieces}", NOW, {"1": pieces * 1000})

        def act() -> tuple[Purchase, bool]:
            return self.run(keep_return(self.api, self.caller, reference, back))

        if known.pieces_back + pieces > 10:
            with pytest.raises(ReturnedMoreThanSold):
                act()
            return
        _, repeated = act()
        assert not repeated
        assert act()[1], "the same return again is once"
        self.settle(reference, replace(known, pieces_back=known.pieces_back + pieces))

    @rule(reference=consumes(sold))
    def push_again(self, reference: str) -> None:
        known = self.purchases[reference]
        self.push(reference, known.customer, known.amount)

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        journal = 0
        for name, account in self.model.items():
            of = (self.api, self.means, self.caller, name)
            _, found = self.run(read_balance(*of))
            assert found == (account.points, account.owed)
            moved = self.run(read_journal(*of, Part(1000, None, Cursors(b"k" * 32), b"")))
            assert sum(each.points for each in moved) == account.points - account.owed
            assert sum(each.owed for each in moved) == -account.owed
            journal += len(moved)
        assert journal == self.expected_journal, "nothing moved that should not have"

    @invariant()
    def the_ledger_is_whole(self) -> None:
        assert self.run(audit(self.worker)).faults == 0


def test_the_ledger_does_what_three_dicts_do(loyalty_settings: Settings) -> None:
    run_state_machine_as_test(
        type("OnThisDatabase", (LedgerMachine,), {"loyalty": loyalty_settings}),
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
