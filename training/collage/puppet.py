"""Things of several parts that move against each other: a body with head, arms and legs; an arm that holds a thing."""

from dataclasses import dataclass

import numpy as np

from sam2_ros.synthetic.chance import Wave, draw_wave
from sam2_ros.synthetic.paint import Skin

ROUND = 10  # points of a limb's end
SKIN_TONES = ((92, 60, 42), (236, 200, 172))  # RGB, dark to light
JOINTS = 12  # values of a puppet's wave


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One piece of a puppet."""

    outline: np.ndarray  # (K, 2) in the puppet's frame
    skin: Skin


@dataclass(frozen=True, slots=True, eq=False)
class Puppet:
    """A body in a frame that reaches from -1 to 1; y is down."""

    build: np.ndarray  # (6,) widths and lengths
    swing: float
    skins: tuple[Skin, ...]  # of body, head, arms, legs, hair
    wave: Wave
    pose: np.ndarray  # (JOINTS,) radians at the beginning

    def parts(self, time: float) -> list[Part]:
        """From the farthest to the nearest."""
        body, head, arms, legs, hair = self.skins
        wide, torso, head_size, arm, leg, thin = self.build
        angle = self.pose + self.swing * self.wave.at(time)
        top, bottom = -0.45, -0.45 + torso
        parts = []
        for side, joint in ((-1, 0), (1, 2)):
            hip = np.array([side * 0.5 * wide, bottom])
            parts += _limb(hip, np.pi / 2 - side * 0.15 + angle[joint], 0.6 * angle[joint + 1], leg, thin * 1.3, legs)
        shoulder = np.array([(-wide, top + 0.08), (wide, top + 0.08)])
        parts += _limb(shoulder[0], np.pi / 2 + 0.4 + 2 * angle[4], 1.5 * angle[5], arm, thin, arms)
        trunk = np.array([(-wide, top), (wide, top), (0.8 * wide, bottom + 0.05), (-0.8 * wide, bottom + 0.05)])
        parts.append(Part(_rounded(trunk), body))
        lean = 0.3 * angle[8]
        centre = np.array([np.sin(lean), -np.cos(lean)]) * (head_size * 1.05) + (0, top)
        down = np.array([0, head_size])
        parts.append(Part(_ellipse(centre - 0.25 * down, head_size * 1.12, head_size * 1.05), hair))
        parts.append(Part(_ellipse(centre + 0.1 * down, head_size * 0.85, head_size), head))
        parts += _limb(shoulder[1], np.pi / 2 - 0.4 + 2 * angle[6], 1.5 * angle[7], arm, thin, arms)
        return parts


def draw_puppet(rng: np.random.Generator, skins: tuple[Skin, ...]) -> Puppet:
    """A body of random build and pose; ``skins``: of body, head, arms, legs, hair."""
    low = np.array([0.12, 0.4, 0.11, 0.2, 0.22, 0.045])
    high = np.array([0.3, 0.65, 0.19, 0.36, 0.4, 0.09])
    pose = rng.normal(0, 0.35, JOINTS)
    return Puppet(rng.uniform(low, high), rng.uniform(0.1, 0.6), skins, draw_wave(rng, JOINTS, 12, 50), pose)


def arm_parts(hand: np.ndarray, direction: float, length: float, width: float, skin: Skin, sleeve: Skin) -> list[Part]:
    """A hand, (2,) and an arm that goes from there out of the picture, in pixels."""
    way = np.array([np.cos(direction), np.sin(direction)])
    across = np.array([-way[1], way[0]])
    wrist, elbow, end = hand + way * width * 1.2, hand + way * length * 0.35, hand + way * length
    parts = [Part(_capsule(wrist, elbow, 0.42 * width, 0.55 * width), skin)]
    parts.append(Part(_capsule(elbow, end, 0.7 * width, 0.95 * width), sleeve))
    parts.append(Part(_ellipse(hand + way * 0.6 * width, 0.72 * width, 0.62 * width), skin))
    for offset in (-0.45, -0.15, 0.15, 0.45):
        tip = hand - way * width * (0.75 - abs(offset)) + across * offset * width * 1.2
        parts.append(
            Part(_capsule(hand + way * 0.4 * width + across * offset * width, tip, 0.17 * width, 0.13 * width), skin)
        )
    return parts


def _limb(joint: np.ndarray, angle: float, bend: float, length: float, width: float, skin: Skin) -> list[Part]:
    """Two pieces, each of a length, bent in the middle."""
    middle = joint + length * np.array([np.cos(angle), np.sin(angle)])
    end = middle + length * np.array([np.cos(angle + bend), np.sin(angle + bend)])
    return [
        Part(_capsule(joint, middle, width, 0.85 * width), skin),
        Part(_capsule(middle, end, 0.85 * width, 0.7 * width), skin),
    ]


def _capsule(first: np.ndarray, last: np.ndarray, start: float, end: float) -> np.ndarray:
    way = last - first
    angle = np.arctan2(way[1], way[0])
    fan = np.linspace(-np.pi / 2, np.pi / 2, ROUND)
    front = last + end * np.stack((np.cos(angle + fan), np.sin(angle + fan)), axis=1)
    back = first + start * np.stack((np.cos(angle + np.pi + fan), np.sin(angle + np.pi + fan)), axis=1)
    return np.concatenate((front, back))


def _ellipse(centre: np.ndarray, wide: float, high: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return centre + np.stack((wide * np.cos(angle), high * np.sin(angle)), axis=1)


def _rounded(corners: np.ndarray) -> np.ndarray:
    """A polygon (K, 2) with its corners cut twice (Chaikin)."""
    for _ in range(2):
        after = np.roll(corners, -1, axis=0)
        corners = np.stack((0.75 * corners + 0.25 * after, 0.25 * corners + 0.75 * after), axis=1).reshape(-1, 2)
    return corners
