"""Sounds of machines and blows: air conditioner, drill, idling engine, jackhammer, gun shot."""

from __future__ import annotations

import numpy as np

from labcore.datasets.demo.parts import (
    RATE,
    Random,
    Signal,
    Sound,
    add,
    band,
    convolved,
    cycles,
    decay,
    drift,
    envelope,
    filtered,
    noise,
    overtones,
    periodic,
    product,
    resonances,
    struck,
    tilt,
    train,
)


def steady(samples: int, hertz: float) -> Signal:
    """A constant pitch."""
    return np.full(samples, hertz, np.float32)


def air_conditioner(source: Random) -> Sound:
    """Air through a grille over the tones of a fan and the hum of its motor: steady, with slow beats between two fans."""
    blades_hz, second = source.uniform(55, 230), source.uniform(1.005, 1.03)
    mains_hz = source.choice([50.0, 60.0])
    tones, hum = source.uniform(0.1, 0.9), source.uniform(0.0, 0.5)
    fan, motor = (
        overtones(blades_hz, source.uniform(-9, -5), 4000),
        overtones(2 * mains_hz, source.uniform(-9, -4), 3000),
    )
    box = resonances(
        np.sort(source.uniform(150, 6000, 4)).tolist(),
        source.uniform(60, 700, 4).tolist(),
        source.uniform(0.5, 2, 4).tolist(),
        0.4,
    )
    air = product(tilt(source.uniform(-7, -1.5), 120), box)
    rattle_hz, rattle = source.uniform(5, 13), source.uniform(0, 0.12) * (source.uniform() < 0.5)

    def render(rng: Random, samples: int) -> Signal:
        wobble = 1 + 0.002 * drift(rng, samples, 4)
        turn = cycles(blades_hz * wobble, rng.uniform())
        fans = periodic(turn, fan, source_phases(blades_hz)) + 0.7 * periodic(turn * second, fan, source_phases(second))
        out = noise(rng, samples, air) * (1 + 0.05 * drift(rng, samples, 2))
        out += tones * 0.8 * fans + hum * periodic(cycles(steady(samples, 2 * mains_hz), rng.uniform()), motor, rng)
        shake = np.sin(2 * np.pi * cycles(rattle_hz * wobble, rng.uniform())).astype(np.float32)
        return out * (1 + rattle * shake)

    return render


def source_phases(value: float) -> Random:
    """Phases that belong to a source: the same for all its clips, whatever else was drawn since."""
    return np.random.default_rng(int(value * 1e6))


def drilling(source: Random) -> Sound:
    """A motor whine with the whistle of its gear that sinks as the bit takes hold, and then grinds; some drills also beat."""
    idle_hz, sag = source.uniform(90, 260), source.uniform(0.1, 0.35)
    teeth = int(source.integers(5, 12))
    brush, gear = (
        overtones(idle_hz, source.uniform(-8, -4), 9000),
        overtones(teeth * idle_hz, source.uniform(-12, -6), 12000),
    )
    whistle, grind = source.uniform(0.2, 0.7), source.uniform(0.3, 1.1)
    centre_hz = source.uniform(900, 4500)
    stone = product(band(0.5 * centre_hz, 2.2 * centre_hz, 1), tilt(source.uniform(-4, 1), 300))
    body = resonances(np.sort(source.uniform(250, 3500, 3)).tolist(), [120, 180, 300], [1.0, 1.0, 0.8], 0.3)
    beats = source.uniform(38, 60) if source.uniform() < 0.35 else 0.0
    presses_s = source.uniform(0.6, 2.5)

    def render(rng: Random, samples: int) -> Signal:
        seconds, at = samples / RATE, -rng.uniform(0, 1.5)
        times, loads, powers = [-9.0], [0.0], [1.0]
        while at < seconds:
            hold, rest = presses_s * rng.uniform(0.6, 1.6), rng.uniform(0.15, 0.6)
            off = rng.uniform() < 0.4  # the trigger is let go between two holes
            low = 0.15 if off else 1.0
            times += [at, at + 0.18, at + 0.18 + hold, at + 0.3 + hold, at + 0.3 + hold + rest]
            loads += [0, rng.uniform(0.6, 1), rng.uniform(0.6, 1), 0, 0]
            powers += [powers[-1], 1, 1, 0.8 if off else 1, low]
            at += 0.3 + hold + rest
        load, power = envelope(samples, times, loads), envelope(samples, times, powers)
        load = np.clip(load * (1 + 0.15 * drift(rng, samples, 9)), 0, 1.2)
        turn = cycles(idle_hz * power * (1 - sag * load) * (1 + 0.004 * drift(rng, samples, 30)), rng.uniform())
        motor = periodic(turn, brush, source_phases(idle_hz)) + whistle * periodic(turn * teeth, gear)
        motor = filtered(motor, body) * power * (0.7 + 0.5 * load)
        chips = noise(rng, samples, stone) * load * (1 + 0.5 * np.sin(2 * np.pi * 2 * turn)).astype(np.float32)
        if beats:
            chips *= 2.0 * np.exp(-5 * (cycles(steady(samples, beats)) % 1)).astype(np.float32)
        return motor + grind * chips

    return render


def engine_idling(source: Random) -> Sound:
    """Firing strokes, never quite even, through an exhaust; the cylinders differ, the valves tick, the idle hunts a little."""
    firing_hz = source.uniform(15, 42)
    cylinders = source.uniform(0.6, 1.0, int(source.choice([2, 3, 4, 6])))
    jitter, hunt = source.uniform(0.008, 0.035), source.uniform(0.003, 0.03)
    low = np.sort(source.uniform(55, 420, 4))
    thump = struck(
        source, 0.15, low.tolist(), source.uniform(0.008, 0.03, 4).tolist(), source.uniform(0.4, 1, 4).tolist()
    )
    high = source.uniform(600, 3000, 6)
    tick = struck(
        source, 0.03, high.tolist(), source.uniform(0.001, 0.005, 6).tolist(), source.uniform(0.3, 1, 6).tolist()
    )
    clatter, hiss = source.uniform(0.05, 0.5), source.uniform(0.05, 0.3)
    belt_hz, belt = source.uniform(350, 1200), source.uniform(0, 0.06)
    gas = product(tilt(source.uniform(-7, -3), 150), band(90, 7000, 1))

    def render(rng: Random, samples: int) -> Signal:
        count = int(samples / RATE * firing_hz * 1.3) + 8
        swing = 1 + hunt * np.sin(2 * np.pi * rng.uniform(0.3, 1.0) * np.arange(count) / firing_hz + rng.uniform(0, 6))
        periods = (1 + jitter * rng.standard_normal(count)) * swing / firing_hz
        times = np.cumsum(periods) - rng.uniform(0.05, 0.3)
        levels = np.resize(cylinders, count) * (1 + 0.12 * rng.standard_normal(count))
        strokes = train(samples, times, levels)
        ticks = train(samples, times + 0.3 / firing_hz, levels * rng.uniform(0.5, 1.2, count))
        pressure = np.interp(np.arange(samples) / RATE, times, np.arange(count)) % 1
        flow = noise(rng, samples, gas) * (0.4 + 0.6 * np.exp(-3 * pressure)).astype(np.float32)
        whine = periodic(cycles(belt_hz * (1 + 0.01 * drift(rng, samples, 8)), rng.uniform()), [1, 0.4, 0.2])
        return convolved(strokes, thump) + clatter * 0.6 * convolved(ticks, tick) + hiss * flow + belt * whine

    return render


def jackhammer(source: Random) -> Sound:
    """Blows 15 to 30 times a second: chisel and shaft ring, the ground thumps, stone spatters, air hisses; then it is set anew."""
    blows_hz = source.uniform(15, 30)
    modes = np.sort(source.uniform(900, 8000, 7))
    ring = struck(
        source, 0.12, modes.tolist(), source.uniform(0.002, 0.012, 7).tolist(), source.uniform(0.3, 1, 7).tolist()
    )
    deep = source.uniform(60, 180, 2)
    thud = struck(source, 0.12, deep.tolist(), [0.02, 0.012], [1.0, 0.7])
    spatter = noise(source, int(0.05 * RATE), product(tilt(source.uniform(-5, 0), 300), band(300, 12000, 1)))
    spatter *= decay(len(spatter), source.uniform(0.006, 0.015))
    ground, metal, stone = source.uniform(0.3, 1.0), source.uniform(0.6, 1.2), source.uniform(0.3, 0.9)
    air, work_s = source.uniform(0.01, 0.06), source.uniform(0.8, 3.0)
    hiss = product(band(500, 9000, 1), tilt(source.uniform(-3, 2), 500))

    def render(rng: Random, samples: int) -> Signal:
        seconds = samples / RATE
        count = int(seconds * blows_hz * 1.2) + 8
        times = np.cumsum((1 + 0.02 * rng.standard_normal(count)) / blows_hz) - rng.uniform(0, 0.3)
        at, edges, power = -rng.uniform(0, work_s), [-9.0], [0.0]
        while at < seconds:
            work, pause = work_s * rng.uniform(0.7, 1.4), rng.uniform(0.2, 0.5)
            edges += [at, at + 0.08, at + work, at + work + 0.05, at + work + pause]
            power += [0, 1, 1, 0, 0]
            at += work + pause
        levels = np.interp(times, edges, power) * (1 + 0.1 * rng.standard_normal(count))
        blows = train(samples, times, levels)
        rough = train(samples, times + 0.002, levels * rng.uniform(0.3, 1.0, count))
        out = metal * convolved(blows, ring) + ground * 1.2 * convolved(blows, thud) + stone * convolved(rough, spatter)
        return out + air * noise(rng, samples, hiss) * (0.4 + envelope(samples, edges, power))

    return render


def gun_shot(source: Random) -> Sound:
    """A shock, a burst of noise and a boom, thrown back by walls some way off; single, in pairs, or in quick succession."""
    sharp_s, boom_hz = source.uniform(0.006, 0.03), source.uniform(55, 160)
    boom, burst = source.uniform(0.3, 1.2), product(tilt(source.uniform(-6, -1), 250), band(90, 14000, 1))
    walls_s = np.sort(source.uniform(0.05, 0.8, int(source.integers(2, 6))))
    walls = decay(int(0.9 * RATE), source.uniform(0.15, 0.4))[(walls_s * RATE).astype(int)] * source.uniform(
        0.4, 0.9, len(walls_s)
    )
    far = band(60, source.uniform(1200, 4000), 1)
    tail_s, tail = source.uniform(0.2, 0.7), source.uniform(0.02, 0.12)
    kind = source.choice(["single", "few", "rapid"], p=[0.4, 0.35, 0.25])
    rapid_hz = source.uniform(6, 12)

    def shot(rng: Random) -> Signal:
        samples = int(1.9 * RATE)
        near = noise(rng, samples, burst) * decay(samples, sharp_s * rng.uniform(0.9, 1.1))
        near[:24] += 4 * np.hanning(24).astype(np.float32)
        fall = envelope(samples, [0, 0.4], [1.3 * boom_hz, 0.7 * boom_hz])
        near += boom * periodic(cycles(fall), [1, 0.3]) * decay(samples, 0.07)
        echoes = train(samples, walls_s, walls)
        back = filtered(convolved(near, echoes), far)
        rest = noise(rng, samples, product(burst, far)) * decay(samples, tail_s) * envelope(samples, [0, 0.06], [0, 1])
        return near + back + tail * rest

    def render(rng: Random, samples: int) -> Signal:
        out, seconds = np.zeros(samples, np.float32), samples / RATE
        first = rng.uniform(0.02, 0.3 * seconds)
        if kind == "single":
            starts = [first]
        elif kind == "few":
            starts = [first, *(first + np.cumsum(rng.uniform(0.4, 1.3, int(rng.integers(1, 4)))))]
        else:
            starts = list(first + np.arange(rng.integers(3, 8)) / rapid_hz * rng.uniform(0.97, 1.03))
        report = shot(rng)
        for start in [first, *(start for start in starts[1:] if start < seconds - 0.3)]:
            add(out, float(start), report if kind == "rapid" else shot(rng), float(rng.uniform(0.8, 1.0)))
        return out

    return render
