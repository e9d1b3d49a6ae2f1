"""Who comes and who goes, and what goes wrong next, without a clock."""

from threading import Event

from services.inprocess.samples import SERVED
from services.inprocess.script import Crowd, Step, fault_steps
from services.workload.samples import SampleError
from services.workload.wire import Fault


def test_the_last_to_come_goes_first_and_nobody_comes_back() -> None:
    crowd = Crowd(Event)
    zero, one = crowd.become(2)
    (two,) = crowd.become(3)

    assert crowd.become(1) == []
    assert [user.leave.is_set() for user in (zero, one, two)] == [False, True, True]
    (three,) = crowd.become(2)
    assert [user.number for user in (zero, one, two, three)] == [0, 1, 2, 3]
    assert crowd.become(0) == []
    assert zero.leave.is_set()
    assert three.leave.is_set()


def test_a_fault_of_several_leaks_is_a_step_for_each() -> None:
    steps = list(fault_steps((Fault(at_s=1.5, count=2, how="kept"), Fault(at_s=4.0))))

    assert steps == [Step(1.5, "kept", 1, 2), Step(1.5, "kept", 2, 2), Step(4.0)]
    assert steps[1].leaked(SERVED) == ("leak", "kept, 2 of 2: 200")
    assert steps[1].leaked((503, SampleError.pool_exhausted)) == ("leak", "kept, 2 of 2: 503")
    assert steps[2].released(2) == ("release_leaks", "2 given back")
