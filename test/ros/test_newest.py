"""What waits for another thread is bounded, and the newest stays."""

import threading

from sam2_ros.ros.newest import Newest


def test_of_a_full_queue_the_oldest_gives_way_and_it_says_so() -> None:
    queue: Newest[int] = Newest(3)
    assert [queue.put(number) for number in range(5)] == [True, True, True, False, False]
    queue.close()
    assert [queue.get() for _ in range(4)] == [2, 3, 4, None]


def test_who_waits_gets_what_comes_and_then_the_end() -> None:
    queue: Newest[int] = Newest(3)
    got: list[int | None] = []
    thread = threading.Thread(target=lambda: got.extend((queue.get(), queue.get())))
    thread.start()
    queue.put(7)
    queue.close()
    thread.join(10)
    assert got == [7, None]
