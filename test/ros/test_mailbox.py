"""How images come to the worker: the newest, every so-manieth, and one prepared ahead."""

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing

import pytest

from sam2_ros.ros.ahead import ahead
from sam2_ros.ros.mailbox import Mailbox
from sam2_ros.ros.statistics import Statistics


@pytest.mark.parametrize(("every", "taken"), [(1, [0, 1, 2, 3, 4, 5, 6]), (2, [0, 2, 4, 6]), (3, [0, 3, 6])])
def test_only_every_so_manieth_image_is_let_in(every: int, taken: list[int]) -> None:
    statistics = Statistics()
    mailbox = Mailbox(statistics, every)
    found = []
    for image in range(7):
        mailbox.put_image(image)
        if image in taken:
            mail = mailbox.take()
            assert mail is not None
            found.append(mail.image)
    assert found == taken
    assert (statistics.received, statistics.dropped) == (len(taken), 0)


def test_the_newest_image_wins_and_the_others_are_counted() -> None:
    statistics = Statistics()
    mailbox = Mailbox(statistics, 1)
    for image in range(3):
        mailbox.put_image(image)
    mail = mailbox.take()
    assert mail is not None
    assert (mail.image, statistics.dropped) == (2, 2)


class Image:
    """Of which those that are still held can be counted."""

    def __init__(self, number: int) -> None:
        self.number = number


@pytest.mark.parametrize("look_ahead", [False, True])
def test_of_a_burst_the_newest_is_worked_on_and_no_more_than_two_wait(look_ahead: bool) -> None:
    statistics = Statistics()
    mailbox = Mailbox(statistics, 1)
    held: weakref.WeakSet[Image] = weakref.WeakSet()
    taken = []
    mailbox.put_image(Image(-1))
    mails = iter(mailbox.take, None)
    with closing(mailbox):
        for mail in ahead(mailbox.take, lambda mail: mail) if look_ahead else mails:
            taken.append(mail.image.number)
            if len(taken) == 1:
                del mail
                for number in range(1000):  # while the one before them is worked on
                    image = Image(number)
                    held.add(image)
                    mailbox.put_image(image)
                del image
                assert len(held) <= 1 + look_ahead
            elif taken[-1] == 999 or len(taken) == 2 + look_ahead:
                mailbox.close()
    assert taken[-1] == 999
    assert len(taken) <= 2 + look_ahead
    assert (statistics.received, statistics.received - statistics.dropped) == (1001, len(taken))


def test_everything_comes_prepared_and_in_its_order() -> None:
    source = iter([3, 1, 2])
    assert list(ahead(lambda: next(source, None), lambda x: 10 * x)) == [30, 10, 20]


def test_the_next_is_prepared_while_this_one_is_worked_on() -> None:
    prepared = threading.Event()
    source = iter([1, 2])

    def prepare(number: int) -> int:
        if number == 2:
            prepared.set()
        return number

    one, *_ = _each(ahead(lambda: next(source, None), prepare), lambda _: prepared.wait(5))
    assert one is True


def test_no_more_than_one_is_prepared_ahead() -> None:
    begun: list[int] = []
    source = iter(range(5))
    stream = ahead(lambda: next(source, None), lambda x: begun.append(x) or x)
    next(stream)
    time.sleep(0.05)
    assert begun == [0, 1]
    assert list(stream) == [1, 2, 3, 4]


def _each(stream: Iterator[int], work) -> list[object]:
    return [work(item) for item in stream]
