"""A schedule can be repeated, and the seeds are different schedules."""

from faults.schedule import Points, draw

POINTS: Points = {
    "plan": {"s3": 5, "stac": 0, "scenes": 0, "database": 9},
    "compute": {"s3": 18, "stac": 0, "scenes": 17},
    "one record": {"s3": 4, "stac": 0, "scenes": 0, "database": 30},
    "other record": {"s3": 6, "stac": 0, "scenes": 0, "database": 30},
}
TOGETHER = ("one record", "other record")


def test_a_seed_always_gives_the_same_schedule_and_another_one_another() -> None:
    schedules = [str(draw(seed, POINTS, frozenset(), frozenset(), TOGETHER)) for seed in range(50)]
    assert schedules == [str(draw(seed, POINTS, frozenset(), frozenset(), TOGETHER)) for seed in range(50)]
    assert len(set(schedules)) == 50


def test_faults_happen_where_a_step_turns_to() -> None:
    for seed in range(50):
        for fault in draw(seed, POINTS, frozenset(), frozenset(), TOGETHER).faults:
            assert 1 <= fault.at <= POINTS[fault.step][fault.server]
