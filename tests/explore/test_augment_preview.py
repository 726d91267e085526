import numpy as np
import pytest
import soundfile
import torch

from labcore.augment import AddNoise, Augmentation
from labcore.config import RunConfig
from labcore.errors import AudioError, ConfigError
from labcore.explore import augment_preview
from labcore.explore.augment_preview import STEPS, only, predictions, preview
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import random_starts
from labcore.runs import Run
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from tests.training.outcome import outcome

OFF = {step.strength: 0.0 for step in STEPS.values()}
CONFIG = RunConfig().replace({"audio.sample_rate": 8000, "features.n_mels": 32, "audio.clip_seconds": 1.0, **OFF})
RATE = 8000


@pytest.fixture
def clip(noise):
    return noise(1.0, RATE)


def names(domain):
    return [step.name for step in STEPS.values() if step.domain == domain]


def test_with_all_strengths_at_zero_the_clip_comes_back_bit_for_bit(clip):
    drawn = preview(CONFIG, clip, 1)
    np.testing.assert_array_equal(drawn.sound, clip)
    np.testing.assert_array_equal(drawn.sound_before, clip)
    assert drawn.sound.dtype == np.float32
    assert not drawn.difference.any()
    assert (drawn.steps, drawn.rebuilt, drawn.ratio, drawn.snr_db) == ((), False, None, None)
    np.testing.assert_allclose(drawn.after, drawn.before, atol=1e-3)


def test_a_longer_clip_is_cropped_somewhere(noise):
    long = noise(3.0, RATE)
    starts = set()
    for seed in range(5):
        sound = preview(CONFIG, long, seed).sound
        start = next(
            start for start in range(0, len(long) - 7000, CONFIG.framing.hop_length) if long[start] == sound[0]
        )
        np.testing.assert_array_equal(sound, long[start : start + RATE])
        starts.add(start)
    assert len(starts) > 2


def test_a_shorter_clip_is_placed_somewhere_in_silence(noise):
    short = noise(0.3, RATE)
    drawn = preview(CONFIG, short, 2)
    begin = int(np.flatnonzero(drawn.sound)[0])
    np.testing.assert_array_equal(drawn.sound[begin : begin + len(short)], short)
    assert np.count_nonzero(drawn.sound) == np.count_nonzero(short)
    middle = np.flatnonzero(drawn.sound_before)
    assert middle[0] == pytest.approx((RATE - len(short)) / 2, abs=512)


def test_a_time_shift_goes_round(clip):
    config = CONFIG.replace({"augment.time_shift_seconds": 0.5})
    drawn = preview(config, clip, 3, steps="time_shift")
    place = int(np.flatnonzero(drawn.sound == clip[0])[0])
    assert place % 512 != 0 or place > 0
    np.testing.assert_array_equal(drawn.sound[place:], clip[: RATE - place])
    assert drawn.steps == ("time_shift",)
    assert not drawn.rebuilt


def test_an_automatic_clip_length_is_the_clip_s_own(noise):
    config = CONFIG.replace({"audio.clip_seconds": None})
    sound = noise(0.77713, RATE)
    np.testing.assert_array_equal(preview(config, sound, 0).sound, sound)
    assert len(preview(config, noise(12.0, RATE), 0).sound) == 10 * RATE
    assert preview(config, sound[:1], 0).before.shape == (
        32,
        800 // config.replace({"audio.clip_seconds": 0.1}).framing.hop_length + 1,
    )


def test_the_steps_are_the_chain_s_in_its_order():
    strong = CONFIG.replace({**dict.fromkeys(OFF, 0.5), "augment.mixup": 1.0})
    chain = Augmentation(strong.augment, LogMel(strong), 16)
    assert [type(module).__name__ for module in chain.on_waveform] == ["Reverb", "AddNoise"]
    expected = ["Speed", "TimeScale", "PitchShift", "Equaliser", "Gain"]
    assert [type(module).__name__ for module in chain.on_power] == expected
    assert names("waveform") == ["reverb", "noise"]
    assert names("power") == ["speed", "time_scale", "pitch", "equaliser", "gain", "mixing"]
    assert names("log-mel") == ["time_mask", "freq_mask"]
    on = {
        path for path, setting in augment_preview._SETTINGS.items() if path.startswith("augment.") and setting.ge == 0
    }
    assert on - set(OFF) == {"augment.plain_share"}, "an augmentation is missing in STEPS"


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)
def test_each_step_alone_changes_the_clip_and_leaves_the_others_out(step, clip, noise):
    config = CONFIG.replace(dict.fromkeys(OFF, 0.4))
    drawn = preview(config, clip, 5, steps=step.name, second=noise(1.0, RATE, seed=9))
    assert drawn.steps == (step.name,)
    assert np.abs(drawn.difference).max() > 0.1
    assert drawn.rebuilt == (step.domain in ("power", "log-mel"))
    assert (drawn.before_rebuilt is not None) == drawn.rebuilt
    assert np.isfinite(drawn.sound).all()
    assert (drawn.ratio is not None) == (step.name == "mixing")
    assert (drawn.snr_db is not None) == (step.name == "noise")
    again = preview(config, clip, 5, steps=step.name, second=noise(1.0, RATE, seed=9))
    np.testing.assert_array_equal(again.after, drawn.after)
    other = preview(config, clip, 6, steps=step.name, second=noise(1.0, RATE, seed=9))
    assert not np.array_equal(other.after, drawn.after)


def test_alone_a_step_always_happens_and_the_share_does_not_matter():
    alone = only(CONFIG.replace({"augment.noise": 0.05, "augment.gain_db": 6.0}), "noise")
    assert alone.augment.noise == 1.0
    assert alone.augment.gain_db == 0.0
    assert only(CONFIG.replace({"augment.gain_db": 6.0}), "gain").augment.gain_db == 6.0
    with pytest.raises(ConfigError, match="no augmentation 'echo'"):
        only(CONFIG, "echo")


def test_what_is_heard_with_noise_is_what_is_seen(clip):
    config = CONFIG.replace({"augment.noise": 1.0})
    drawn = preview(config, clip, 4, steps="noise")
    log_mel = LogMel(config)
    np.testing.assert_allclose(
        drawn.after, log_mel.decibels(log_mel.power(torch.from_numpy(drawn.sound)[None]))[0], atol=1e-3
    )
    added = drawn.sound - drawn.sound_before
    ratio = 10 * np.log10(np.square(drawn.sound_before).mean() / np.square(added).mean())
    assert drawn.snr_db == pytest.approx(ratio, abs=1e-3)
    assert 10 <= drawn.snr_db <= 40


def test_noise_at_a_chosen_ratio_and_noise_of_one_s_own(clip, tmp_path):
    assert preview(CONFIG, clip, 4, steps="noise", snr_db=3.0).snr_db == pytest.approx(3.0, abs=1e-3)
    hum = np.sin(np.arange(3000) * 0.5).astype(np.float32)
    drawn = preview(CONFIG, clip, 4, steps="noise", snr_db=0.0, recording=hum)
    spectrum = np.abs(np.fft.rfft(drawn.sound - drawn.sound_before))
    assert spectrum.argmax() / len(drawn.sound) * 2 * np.pi == pytest.approx(0.5, abs=0.01)
    soundfile.write(tmp_path / "hum.wav", hum, RATE, subtype="FLOAT")
    named = CONFIG.replace({"augment.noise_file": str(tmp_path / "hum.wav")})
    np.testing.assert_array_equal(preview(named, clip, 4, steps="noise", snr_db=0.0).sound, drawn.sound)
    missing = CONFIG.replace({"augment.noise_file": str(tmp_path / "none.wav")})
    with pytest.raises(AudioError, match=r"none\.wav does not exist"):
        preview(missing, clip, 4, steps="noise")


def test_mixing_at_a_chosen_ratio(clip, tone):
    config = CONFIG.replace({"augment.mixup": 1.0})
    second = tone(1000, 1.0, RATE)
    whole = preview(config, clip, 1, second=second, steps="mixing", mix_ratio=1.0)
    assert whole.ratio == 1.0
    np.testing.assert_allclose(whole.after, whole.before, atol=1e-3)
    some = preview(config, clip, 1, second=second, steps="mixing", mix_ratio=0.4)
    assert some.ratio == pytest.approx(0.4)
    assert np.abs(some.difference).max() > 1


def test_mixing_needs_a_second_clip_and_tells_the_ratio(clip, tone):
    config = CONFIG.replace({"augment.mixup": 1.0})
    assert preview(config, clip, 1).ratio is None
    drawn = preview(config, clip, 1, second=tone(1000, 1.0, RATE))
    assert 0 < drawn.ratio < 1
    assert drawn.steps == ("mixing",)
    assert drawn.after.mean(1).argmax() != drawn.before.mean(1).argmax()


def test_a_draw_without_sound_is_the_same_picture(clip):
    config = CONFIG.replace({"augment.pitch_semitones": 6.0})
    silent, heard = preview(config, clip, 1, sound=False), preview(config, clip, 1)
    np.testing.assert_array_equal(silent.after, heard.after)
    assert silent.rebuilt
    assert not len(silent.sound)
    assert len(heard.sound) == len(heard.before_rebuilt) == RATE


def test_the_generator_of_the_process_is_left_alone(clip):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    preview(CONFIG.replace({"augment.gain_db": 6.0}), clip, 1)
    assert torch.equal(torch.rand(2), expected)


def test_nothing_cannot_be_drawn(clip):
    with pytest.raises(AudioError, match="no samples"):
        preview(CONFIG, clip[:0], 1)
    tiny = CONFIG.replace({"features.n_fft": 1024, "features.hop_length": 1024, "audio.clip_seconds": 0.1})
    with pytest.raises(ConfigError, match="shorter than a hop"):
        preview(tiny, clip, 1, steps="noise")


@pytest.mark.parametrize(
    "strengths",
    [
        {"augment.time_shift_seconds": 0.05, "augment.time_scale": 0.2, "augment.gain_db": 6.0, "augment.mixup": 1.0},
        {
            "augment.noise": 0.5,
            "augment.reverb": 1.0,
            "augment.speed": 0.3,
            "augment.time_mask": 0.3,
            "augment.mixup": 0.5,
        },
        {"augment.equaliser_db": 9.0, "augment.pitch_semitones": 3.0, "augment.freq_mask": 0.5},
    ],
    ids=["on mel powers", "on waveforms", "unmixed"],
)
@pytest.mark.parametrize("clip_seconds", [0.2, 0.25, 0.4])
def test_what_is_shown_is_what_the_training_loop_makes(strengths, clip_seconds, class_folders, workspace):
    trainer = trainer_of(class_folders, workspace, {"audio.clip_seconds": clip_seconds, **strengths})
    shown_as_trained(trainer, 7)


@pytest.mark.parametrize("noise", [0.0, 0.5], ids=["on mel powers", "on waveforms"])
def test_long_clips_are_cropped_as_in_training_and_so_is_what_was_turned(noise, workspace, write_wav, tmp_path):
    for label, seed in (("barks", 0), ("knocks", 1)):
        for number in range(4):  # a short sound in a long silence
            sound = np.random.default_rng(10 * number + seed).normal(0, 0.2, 48000)
            write_wav(
                tmp_path / "clips" / label / f"{number}.wav", np.where(np.arange(48000) // 1000 == 30, sound, 0.0)
            )
    hum = write_wav(tmp_path / "hum.wav", np.sin(np.arange(3000) * 0.5) * 0.3)
    strengths = {"audio.clip_seconds": 0.3, "augment.noise": noise, "augment.noise_file": str(hum)}
    trainer = trainer_of(tmp_path / "clips", workspace, strengths)
    for _ in range(2):
        pipeline = trainer.session.pipeline
        drawn_again = 0
        for seed in range(5):
            shown_as_trained(trainer, seed)
            torch.manual_seed(seed)
            starts = pipeline.starts(pipeline.rows[[0, -1]])
            torch.manual_seed(seed)
            plain = random_starts(pipeline.source.lengths[pipeline.rows[[0, -1]]], pipeline.window, pipeline.shift)
            drawn_again += not torch.equal(starts, plain)
        assert drawn_again > 2
        trainer.reconfigure(
            trainer.config.replace_live({"augment.time_scale": 0.3, "augment.gain_db": 9, "augment.mixup": 1})
        )


def trainer_of(folder, workspace, changes):
    """A trainer on a data set, at 8 kHz and without augmentation but for the changes."""
    config = CONFIG.replace(
        {
            "data.dataset": str(folder),
            "features.n_fft": 256,
            "features.win_length": 256,
            "features.hop_length": 64,
            "model.name": "small_cnn",
            "runtime.device": "cpu",
            "runtime.precision": "fp32",
            "runtime.memory_format": "contiguous",
            "runtime.threads": torch.get_num_threads(),
            "optim.batch_size": 2,
            **changes,
        }
    )
    return Trainer(outcome(prepare(config, Run.create(workspace, config), workspace, lambda: False))[1])


def shown_as_trained(trainer, seed):
    """The preview of two clips is what a training batch of them is given, bit for bit, their labels too."""
    session = trainer.session
    trainer.mixing = mixing = trainer.config.augment.mixup > 0
    rows = session.train_rows[[0, -1]]
    torch.manual_seed(seed)
    with torch.no_grad():
        images, targets = trainer.images(rows)
    first, second = (session.clips.store.waveform(int(row)) for row in rows)
    drawn = preview(trainer.config, first, seed, second=second, log_mel=session.classifier.log_mel, sound=False)
    np.testing.assert_array_equal(drawn.image, images[0, 0].numpy())
    if mixing:
        own, other = session.clips.targets[rows]
        assert own != other
        assert drawn.ratio == float(targets[0, own])
        assert 1 - drawn.ratio == pytest.approx(float(targets[0, other]))
    else:
        assert drawn.ratio is None


def test_answers_before_and_after(clip):
    classifier = Classifier(CONFIG.replace({"model.name": "small_cnn"}), ["a", "b", "c"])
    drawn = preview(classifier.config.replace({"augment.gain_db": 20.0}), clip, 1, log_mel=classifier.log_mel)
    before, after = predictions(classifier, drawn)
    assert list(before) == list(after) == ["a", "b", "c"]
    assert sum(before.values()) == pytest.approx(1.0, abs=1e-5)
    assert before != after
    heard = classifier.classify_waveform(clip).probabilities
    for label in heard:
        assert before[label] == pytest.approx(heard[label], abs=1e-3)  # but for the store's 16 bits


def test_noise_of_the_bench_is_the_chain_s():
    config = only(CONFIG, "noise")
    assert isinstance(Augmentation(config.augment, LogMel(config), 16).on_waveform[0], AddNoise)
