"""Messages as nobody should send them."""

from types import SimpleNamespace as Message

from hypothesis import strategies as st

from sam2_ros.stream.messages import NS_PER_S
from sam2_ros.stream.pixels import ENCODINGS

SIDE = 48  # pixels of the images of the tracker at work

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, SIDE - 0.5, SIDE, SIDE + 1e-9, 1e9, -1e9, 1e300, float("inf"), float("nan")]
number = st.one_of(st.sampled_from(EDGES), st.floats(0, SIDE), st.floats())
uint8, uint32, int32 = st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1)
object_id = st.one_of(st.integers(0, 6), st.sampled_from([254, 255, 256, 65535, 65536]), uint32)
stamp = st.one_of(
    st.builds(Message, sec=st.integers(0, 6), nanosec=st.sampled_from([0, 1, NS_PER_S // 2])),
    st.builds(Message, sec=int32, nanosec=uint32),
)
header = st.builds(Message, stamp=stamp, frame_id=st.text(max_size=5))
point = st.builds(Message, x=number, y=number)
box = st.builds(
    Message,
    center=st.builds(Message, position=point, theta=st.sampled_from([0.0, 0.0, 0.0, 1.0, float("nan")])),
    size_x=number,
    size_y=number,
)
size = st.one_of(st.integers(0, 9), st.just(SIDE), st.sampled_from([2**16, 2**31, 2**32 - 1]), uint32)
raw = st.one_of(st.binary(max_size=300), st.just(bytes(SIDE * SIDE)), st.just(b"\xff" * SIDE * SIDE * 3))
wild_image = st.builds(
    Message,
    header=header,
    height=size,
    width=size,
    encoding=st.one_of(st.sampled_from([*ENCODINGS, "16UC1", "32FC1", "rgb16"]), st.text(max_size=8)),
    is_bigendian=uint8,
    step=st.one_of(st.sampled_from([0, SIDE, 3 * SIDE, 4 * SIDE]), uint32),
    data=raw,
)
fitting_image = st.builds(
    lambda one, height, width, of_pixel: Message(
        **vars(one) | {"height": height, "width": width, "step": width * of_pixel, "data": one.data * 2}
    ),
    wild_image,
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 4),
)
image = st.one_of(wild_image, fitting_image)
NO_MASK = Message(header=Message(), height=0, width=0, encoding="", is_bigendian=0, step=0, data=b"")
prompt = st.builds(
    Message,
    object_id=object_id,
    label=st.text(max_size=8),
    action=st.one_of(st.sampled_from([0, 0, 0, 1, 2, 3]), uint8),
    points=st.lists(point, max_size=4),
    point_labels=st.lists(st.one_of(st.integers(0, 1), uint8), max_size=4),
    has_box=st.booleans(),
    box=box,
    mask=st.one_of(st.just(NO_MASK), st.just(NO_MASK), image),
)
prompt_array = st.builds(Message, header=header, prompts=st.lists(prompt, max_size=4))
hypothesis_ = st.builds(
    Message, hypothesis=st.builds(Message, class_id=st.text(max_size=4), score=st.one_of(st.floats(0, 1), number))
)
detection = st.builds(
    Message, bbox=box, results=st.lists(hypothesis_, max_size=2), id=st.one_of(st.text(max_size=3), st.just("1"))
)
detections = st.builds(Message, header=header, detections=st.lists(detection, max_size=4))
click = st.one_of(st.builds(Message, header=header, point=point), point)
camera_info = st.builds(
    Message,
    header=header,
    width=size,
    height=size,
    k=st.lists(number, min_size=9, max_size=9),
    p=st.lists(number, min_size=12, max_size=12),
    d=st.lists(number, max_size=15),
    distortion_model=st.one_of(st.sampled_from(["plumb_bob", "equidistant"]), st.text(max_size=5)),
    binning_x=st.one_of(st.integers(0, 4), uint32),
    binning_y=st.one_of(st.integers(0, 4), uint32),
    roi=st.builds(Message, x_offset=uint32, y_offset=uint32, width=size, height=size, do_rectify=st.booleans()),
)
