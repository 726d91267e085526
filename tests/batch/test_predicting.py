import numpy as np
import pytest

from labcore.batch.predicting import predict_files


def test_answers_come_in_order_and_are_those_of_each_file_alone(make_classifier, noise, write_wav, tmp_path):
    classifier = make_classifier()
    files = [write_wav(tmp_path / f"{i}.wav", noise(0.3 + 0.4 * (i % 4), 8000, seed=i), 8000) for i in range(30)]
    files.insert(7, tmp_path / "not-there.wav")
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    files.append(bad)
    answers = dict(predict_files(classifier, files))
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
    asking = predict_files(make_classifier(), files)
    assert next(asking)[0] == files[0]
    asking.close()
    with pytest.raises(StopIteration):
        next(asking)


def test_a_hop_of_ones_own(make_classifier, noise, write_wav, tmp_path):
    file = write_wav(tmp_path / "long.wav", noise(3.0, 8000), 8000)
    ((_, answer),) = predict_files(make_classifier(), [file], hop_seconds=0.5)
    assert len(answer["windows"]) == 6


def test_long_recordings_between_short_ones_are_answered_as_wholes_are(
    make_classifier, noise, write_wav, tmp_path, request
):
    classifier = make_classifier()
    lengths = [0.5, 9.0, 0.7, 4.1, 4.0, 1.3, 0.2]
    files = [write_wav(tmp_path / f"{i}.wav", noise(s, 11025, seed=i), 11025) for i, s in enumerate(lengths)]
    wholes = {file: classifier.classify(file) for file in files}
    request.getfixturevalue("long_from_a_second")
    seen = []
    answers = dict(predict_files(classifier, files, progress=lambda file, share: seen.append((file, share))))
    assert list(answers) == files
    for file, answer in answers.items():
        whole = wholes[file].to_dict()
        assert (answer["label"], answer["seconds"]) == (whole["label"], whole["seconds"])
        for one, other in zip(answer["windows"], whole["windows"], strict=True):
            assert (one["start_s"], one["end_s"], one["label"]) == (other["start_s"], other["end_s"], other["label"])
            np.testing.assert_allclose([*one["probabilities"].values()], [*other["probabilities"].values()], atol=2e-5)
    assert {file for file, _ in seen} == {file for file, length in zip(files, lengths, strict=True) if length > 1.25}
    assert seen[-1][1] == 1


@pytest.mark.usefixtures("long_from_a_second")
def test_a_long_recording_can_be_left_in_the_middle(make_classifier, noise, write_wav, tmp_path):
    file = write_wav(tmp_path / "long.wav", noise(20.0, 8000), 8000)

    def progress(_, share):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(predict_files(make_classifier(), [file], progress=progress))


@pytest.mark.usefixtures("long_from_a_second")
def test_a_long_recording_that_is_cut_off_hides_no_other(make_classifier, noise, write_wav, tmp_path):
    cut = write_wav(tmp_path / "cut.flac", noise(9.0, 8000), 8000)
    cut.write_bytes(cut.read_bytes()[:30_000])
    fine = write_wav(tmp_path / "fine.wav", noise(3.0, 8000), 8000)
    answers = dict(predict_files(make_classifier(), [cut, fine]))
    assert "cut.flac" in answers[cut]["error"]
    assert answers[fine]["label"]
