import numpy as np
import pytest

from labcore.answers.asking import answers_of


def test_answers_come_in_order_and_are_those_of_each_file_alone(make_classifier, noise, write_wav, tmp_path):
    classifier = make_classifier()
    files = [write_wav(tmp_path / f"{i}.wav", noise(0.3 + 0.4 * (i % 4), 8000, seed=i), 8000) for i in range(30)]
    files.insert(7, tmp_path / "not-there.wav")
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    files.append(bad)
    answers = dict(answers_of(classifier, files))
    assert list(answers) == files
    for file, answer in answers.items():
        assert answer["file"] == str(file)
        if file in (files[7], bad):
            assert file.name in answer["error"]
            continue
        alone = classifier.classify(file)
        np.testing.assert_allclose([*answer["probabilities"].values()], [*alone.probabilities.values()], atol=1e-6)
        assert len(answer["windows"]) == len(alone.windows)


def test_it_can_be_left_in_the_middle(make_classifier, noise, write_wav, tmp_path):
    files = [write_wav(tmp_path / f"{i}.wav", noise(0.5, 8000, seed=i), 8000) for i in range(40)]
    asking = answers_of(make_classifier(), files)
    assert next(asking)[0] == files[0]
    asking.close()
    with pytest.raises(StopIteration):
        next(asking)


def test_a_hop_of_ones_own(make_classifier, noise, write_wav, tmp_path):
    file = write_wav(tmp_path / "long.wav", noise(3.0, 8000), 8000)
    ((_, answer),) = answers_of(make_classifier(), [file], hop_seconds=0.5)
    assert len(answer["windows"]) == 6
