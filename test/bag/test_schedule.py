"""Which image a prompt of a bag or a file is for."""

from helpers.bags import box_prompt, prompts, stamp_of
from sam2_ros.bag import definitions
from sam2_ros.bag.prompts_file import read_prompts_file
from sam2_ros.bag.schedule import Moment, RecordedPrompts, Schedule
from sam2_ros.stream.messages import stamp_ns


def entries_of(tmp_path, content):
    file = tmp_path / "prompts.yaml"
    file.write_text(content, encoding="utf-8")
    return read_prompts_file(file)


def recorded(stamp, time_ns, object_id):
    return RecordedPrompts(time_ns, prompts(stamp, time_ns, box_prompt(object_id)).content)


def handed_out(schedule, frames=4, first=0):
    """Object ids of the prompts by image."""
    found = []
    for index in range(frames):
        stamp = stamp_of(index + first)
        messages = schedule.due(Moment(index, stamp + 10, definitions.header(stamp, "eye")))
        found.append([prompt.object_id for message in messages for prompt in message.prompts])
    return found


def test_stamped_prompts_go_to_their_image_however_late_they_were_recorded():
    late = recorded(stamp_of(1), stamp_of(9), 5)
    between = recorded(stamp_of(1) + 1, stamp_of(1), 6)
    assert handed_out(Schedule([between, late], (), 0)) == [[], [5], [6], []]


def test_prompts_without_stamp_go_to_the_next_image_recorded_and_get_its_stamp():
    schedule = Schedule([recorded(0, stamp_of(1) + 11, 5), recorded(0, stamp_of(1) + 10, 6)], (), 0)
    assert handed_out(schedule, 2) == [[], [6]]
    (message,) = schedule.due(Moment(2, stamp_of(2) + 10, definitions.header(stamp_of(2), "eye")))
    assert stamp_ns(message.header.stamp) == stamp_of(2)
    assert schedule.not_applied() == []


def test_a_stamp_that_two_images_have_is_not_given_to_prompts():
    schedule = Schedule([recorded(0, 25, 5)], (), 0)
    header = definitions.header(stamp_of(0))
    assert schedule.due(Moment(0, 10, header)) == []
    (message,) = schedule.due(Moment(1, 30, header))
    assert stamp_ns(message.header.stamp) == 0


def test_entries_go_to_their_frame_or_to_the_first_image_at_their_time(tmp_path):
    content = "prompts:\n"
    for where, number in (("frame: 2", 1), ("time: 0", 2), ("time: 0.1004", 3), ("time: 0.11", 4), ("frame: 2", 5)):
        content += f"  - {{{where}, object: {number}, points: [[1, 1]]}}\n"
    assert handed_out(Schedule([], entries_of(tmp_path, content), 0)) == [[2], [3], [1, 4, 5], []]


def test_what_no_image_is_for_is_told(tmp_path):
    entries = entries_of(tmp_path, "prompts:\n  - {frame: 4, points: [[1, 1]]}\n  - time: 0.35\n    points: [[1, 1]]\n")
    early, late = recorded(stamp_of(1), stamp_of(3), 1), recorded(stamp_of(9), stamp_of(9), 2)
    before_start = recorded(0, stamp_of(1), 3)
    schedule = Schedule([early, late, before_start], entries, start_ns=stamp_of(2))
    assert handed_out(schedule, frames=4, first=2) == [[], [], [], []]
    first, second, third, fourth, fifth = schedule.not_applied()
    assert first == "the prompts stamped 100.100000000 s are for an image before the first one"
    assert second == "prompts without a stamp were recorded before the replayed part of the bag"
    assert third == "the prompts stamped 100.900000000 s are for no image: the replay ended"
    assert fourth.endswith("prompts.yaml:2: frame 4 is for no image: the replay ended")
    assert fifth.endswith("prompts.yaml:3: 0.35 s is for no image: the replay ended")
