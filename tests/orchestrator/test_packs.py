"""Who trains together, and where a pack goes on."""

from orchestrator.recording.journal import Standing, State
from orchestrator.search.packs import going_on, packs
from orchestrator.space import Contender
from orchestrator.trial.reporting import packed, unpacked


def contender(index: int, variant: str = "gan", **hyperparameters: object) -> Contender:
    return Contender(
        index=index, variant=variant, hyperparameters=hyperparameters, data={"name": "ring8"}, budget={"steps": 9}
    )


def test_contenders_that_differ_in_numbers_of_their_replicas_train_together_up_to_the_size_of_a_pack():
    drawn = [
        contender(0, generator_lr=1e-3),
        contender(1, "wgan_gp"),
        contender(2, generator_lr=1e-4),
        contender(3, batch=32),
        contender(4, "wgan_gp", **{"penalty.weight": 1.0}),
        contender(5, beta1=0.9),
        contender(6, "gmm"),
        contender(7, "gmm"),
    ]
    places = [[drawn.index(each) for name in pack for each in drawn if each.name == name] for pack in packs(drawn, 2)]
    assert places == [[0, 2], [1, 4], [3], [5], [6], [7]]
    assert [len(pack) for pack in packs(drawn, 3)] == [3, 2, 1, 1, 1]
    assert packs(drawn, 1) == [[each.name] for each in drawn]


def test_a_pack_goes_on_from_the_first_tick_that_is_not_recorded_of_all_its_members(tmp_path):
    for step in (10, 20):
        (tmp_path / str(step)).mkdir()

    def at(step, status="running"):
        return Standing(status=status, tick={"step": step, "checkpoint": str(tmp_path / str(step))})

    state = State(contenders={"a": at(20), "b": at(10), "c": at(10, "stopped"), "d": Standing(), "e": at(30)})
    assert going_on(state, ["a", "b"]) == tmp_path / "10"
    assert going_on(state, ["a", "c"]) == tmp_path / "20"
    assert going_on(state, ["a", "d"]) is None
    assert going_on(state, ["e"]) is None


def test_equals_never_share_a_pack_however_they_are_written():
    drawn = [contender(0), contender(1, generator_lr=1e-4), contender(2, generator_lr=1e-4), contender(3, batch=256)]
    assert packs(drawn, 4) == [[drawn[0].name, drawn[1].name], [drawn[2].name, drawn[3].name]]


def test_every_tick_of_a_pack_says_where_it_was_made():
    ticks = [{"contender": name, "step": 10, "spent": 10} for name in ("000-a", "001-b")]
    placed = {"placed": {"node": "here", "gpus": "3"}}
    assert unpacked(packed(ticks)) == ticks
    assert unpacked(packed(ticks) | placed) == [tick | placed for tick in ticks]
    assert unpacked(ticks[0] | placed) == [ticks[0] | placed]
