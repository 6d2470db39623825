"""How long sessions have held their snapshots, as far as was seen."""

from otklik_common.horizon import Snapshots


def test_a_snapshot_is_as_old_as_the_first_look_that_saw_it() -> None:
    snapshots = Snapshots()
    assert snapshots.oldest({}, now=0.0) == 0.0
    assert snapshots.oldest({7: "100"}, now=10.0) == 0.0
    assert snapshots.oldest({7: "100", 8: "120"}, now=40.0) == 30.0
    assert snapshots.oldest({7: "100", 8: "120"}, now=50.0) == 40.0


def test_a_session_that_took_a_new_snapshot_or_has_gone_is_not_old() -> None:
    snapshots = Snapshots()
    snapshots.oldest({7: "100", 8: "100"}, now=0.0)
    assert snapshots.oldest({7: "130", 8: "100"}, now=10.0) == 10.0
    assert snapshots.oldest({7: "130"}, now=20.0) == 10.0
    assert snapshots.oldest({}, now=30.0) == 0.0
    assert snapshots.oldest({7: "130"}, now=40.0) == 0.0
