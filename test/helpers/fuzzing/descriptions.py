"""Descriptions, prompts files, parameters and names as nobody should write them."""

import json
import random
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from helpers.fuzzing.files import damaged
from helpers.fuzzing.messages import number
from sam2_ros.bag.prompts_file import ACTIONS, KEYS
from sam2_ros.config import CONFIGS, meaning_of

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[dict[str, Any]], None]:
    """Something else in places of the description of a state."""
    seed, values = draw(st.integers(0, 2**32 - 1)), draw(st.lists(anything, min_size=1, max_size=3))

    def change(content: dict[str, Any]) -> None:
        rng = random.Random(seed)
        for value in values:
            at: Any = content
            while True:
                keys = list(at) if isinstance(at, dict) else list(range(len(at)))
                key = rng.choice(keys)
                if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.2:
                    break
                at = at[key]
            old = at[key]
            near = type(old) is int and rng.random() < 0.5
            at[key] = old + rng.choice((-1, 1, 2**20, -(2**40))) if near else value

    return change


entry = st.dictionaries(
    st.one_of(st.sampled_from(KEYS), st.text(max_size=4)),
    st.one_of(anything, st.sampled_from(ACTIONS), st.lists(number, max_size=5), st.just([1, 2, 30, 40])),
    max_size=5,
)
yaml_text = st.one_of(
    st.builds(lambda entries: json.dumps({"prompts": entries}).encode(), st.lists(entry, max_size=3)),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"- " * 3000, b"[" * 3000, b"&a [*a]", b"prompts: [&a {frame: 0, box: *a}]", b"\0", b"\xff\xfe"]),
    damaged(
        [b"prompts:\n  - frame: 0\n    object: 1\n    box: [210, 120, 290, 260]\n  - time: 2.5\n    action: reset\n"]
    ),
)
parameter = st.sampled_from([(kind, field.name, field) for kind in CONFIGS for field in fields(kind)]).flatmap(
    lambda one: st.tuples(
        st.just(one[0]),
        st.just(one[1]),
        st.one_of(
            anything, st.sampled_from([one[2].default, *meaning_of(one[2]).choices, *(meaning_of(one[2]).limits or ())])
        ),
    )
)
names = st.one_of(
    st.text(max_size=20).map(lambda text: text + ".safetensors"),
    st.lists(st.sampled_from(["..", ".", "/", "a", "~", "\0", "etc", "\n"]), max_size=8).map(
        lambda parts: "/".join(parts) + ".safetensors"
    ),
    st.text(max_size=300),
)
