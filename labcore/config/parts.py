"""The settings of a run, part by part. A setting is added by adding a field: give it a title, a help text, bounds, and a unit."""

from __future__ import annotations

from typing import Literal

from labcore.config.setting import SettingGroup, setting


class DataConfig(SettingGroup):
    """Which clips are trained on and which are held out."""

    dataset: str = setting(
        "demo", "Data set", "A data set of the workspace by name, or the path of a folder or CSV file.", flag="dataset"
    )
    fold: str | None = setting(
        None,
        "Held-out fold",
        "The fold whose clips are never trained on and on which the accuracy is reported. "
        "Automatic: the test part where the data set has one, else the first fold.",
        flag="fold",
    )
    split: Literal["official", "random"] = setting(
        "official", "Split", "official keeps the folds of the data set, and clips of one recording on one side. random deals the clips "
        "out without regard to recordings: it leaks, and is there to show by how much that flatters.", advanced=True,
    )  # fmt: skip
    validation_share: float = setting(
        0.0, "Validation share", "This share of the training clips, whole recordings of it, is set aside: the curves are of them, and "
        "the held-out fold is looked at once, at the end. 0 draws the curves on the held-out fold.",
        ge=0, le=0.5, step=0.05, advanced=True,
    )  # fmt: skip
    leave_out: str | None = setting(
        None, "Left-out fold", "A fold that is used for nothing at all, so that settings can be chosen on another one and be reported on "
        "this one. Automatic: none.", advanced=True,
    )  # fmt: skip
    train_clips: int | None = setting(
        None, "Training clips", "At most so many clips are trained on, drawn by class. Automatic: all, unless epochs are automatic and "
        "the training budget has no room for five epochs of all.", ge=1, le=100_000_000, step=1, unit="clips", advanced=True,
    )  # fmt: skip
    balance: Literal["none", "sampling", "weighting"] = setting(
        "sampling", "Uneven classes", "What is done where the largest class has more than twice the clips of the smallest: sampling draws "
        "clips of rare classes more often in an epoch, by the square root of the frequency and at most 8 times; weighting lets "
        "them count more in the loss; none leaves it.", advanced=True,
    )  # fmt: skip


class AudioConfig(SettingGroup):
    """What is cut from a recording before anything is computed from it."""

    sample_rate: int = setting(
        22050,
        "Sample rate",
        "Clips are resampled to this rate once, when the clip store is built. Twice the highest frequency that matters: "
        "for bats 250 kHz and more.",
        ge=4000,
        le=500000,
        step=50,
        unit="Hz",
    )
    clip_seconds: float | None = setting(
        None,
        "Clip length",
        "How much the network hears at a time: longer clips are cropped in training and cut into windows in use, shorter ones "
        "padded with silence. Automatic: long enough for 95 % of the clips of the data set, at most 10 s.",
        ge=0.1,
        le=60,
        step=0.1,
        unit="s",
    )
    silent_windows: Literal["skip", "count"] = setting(
        "skip", "Silent windows", "Whether the answer to a clip of several windows counts those that are silent: 30 dB below its loudest.",
        advanced=True,
    )  # fmt: skip


class FeaturesConfig(SettingGroup):
    """The log-mel spectrogram, the one front end of training and use."""

    n_fft: int | None = setting(
        None, "FFT size", "Samples in a Fourier transform: more of them resolve frequency finer and time coarser. Automatic: 1024 at "
        "22.05 kHz, the same time of about 46 ms at other rates.",
        ge=64, le=32768, step=64, unit="samples", advanced=True,
    )  # fmt: skip
    win_length: int | None = setting(
        None, "Window length", "Samples under the window function, at most the FFT size. Automatic: the FFT size; for clips shorter than "
        "2.3 s less, down to 25 ms.",
        ge=32, le=32768, step=32, unit="samples", advanced=True,
    )  # fmt: skip
    hop_length: int | None = setting(
        None, "Hop", "Samples from one frame to the next: half of it makes twice the frames and twice the work. Automatic: half the "
        "window of about 46 ms; for clips shorter than 2.3 s as much less as gives a clip 100 frames, down to 6 ms.",
        ge=16, le=16384, step=16, unit="samples", advanced=True,
    )  # fmt: skip
    n_mels: int = setting(
        64, "Mel bands", "Rows of the spectrogram. 64 do for most sounds, 128 for fine pitch.", ge=8, le=256, step=8
    )
    f_min: float = setting(
        50.0, "Lowest frequency", "Below it nothing is heard by the network: cuts rumble and wind.",
        ge=0, le=50000, step=10, unit="Hz", advanced=True,
    )  # fmt: skip
    f_max: float | None = setting(
        None, "Highest frequency", "Above it nothing is heard by the network. Automatic: 14 kHz, or 0.9 of half the sample rate where that "
        "is lower, and at rates above 96 kHz, which only ultrasound needs.",
        ge=200, le=250000, step=100, unit="Hz", advanced=True,
    )  # fmt: skip
    window: Literal["hann", "hamming", "blackman", "rectangular"] = setting(
        "hann", "Window function", "How a frame fades in and out. blackman smears least over frequency, rectangular most.", advanced=True
    )  # fmt: skip
    mel_scale: Literal["htk", "slaney"] = setting(
        "htk", "Mel scale", "The two definitions of the mel: htk is logarithmic throughout, slaney linear below 1 kHz.", advanced=True
    )  # fmt: skip
    mel_norm: Literal["none", "slaney"] = setting(
        "none", "Mel norm", "slaney divides each band by its width, so that white noise looks flat. The network sees no difference, since "
        "each band is normalised.", advanced=True,
    )  # fmt: skip
    floor_db: float = setting(
        -80.0, "Floor", "Levels below this one count as silence, so that digital silence and faint hiss look alike.",
        ge=-120, le=-20, step=5, unit="dB", advanced=True,
    )  # fmt: skip


class AugmentConfig(SettingGroup):
    """What is done to the training clips, anew in every epoch. Zero switches an augmentation off."""

    time_shift_seconds: float = setting(
        2.5, "Time shift", "Clips are moved by up to this much; what leaves at one end comes in at the other, so that no short "
        "sound is lost. Clips longer than the clip length are cropped at random in any case.", ge=0, le=5, step=0.1, unit="s", live=True,
    )  # fmt: skip
    avoid_silence: Literal["on", "off"] = setting(
        "on", "Avoid silence", "Crops of clips longer than the clip length are drawn again where they are silent: 30 dB below the clip's "
        "loudest crop.", advanced=True,
    )  # fmt: skip
    time_scale: float = setting(
        0.2,
        "Time scaling",
        "Clips are played slower or faster by up to this share, at unchanged pitch.",
        ge=0,
        le=0.5,
        step=0.05,
        live=True,
    )
    speed: float = setting(
        0.0, "Speed", "Clips are played slower and lower, or faster and higher, by up to this share, as a tape does.",
        ge=0, le=0.5, step=0.05, live=True,
    )  # fmt: skip
    pitch_semitones: float = setting(
        2.0, "Pitch shift", "Clips are made higher or lower by up to this much, at unchanged tempo.",
        ge=0, le=12, step=0.5, unit="semitones", live=True,
    )  # fmt: skip
    equaliser_db: float = setting(
        12.0, "Equaliser", "Clips are coloured by a smooth random curve of up to this much, as other microphones and rooms do.",
        ge=0, le=24, step=1, unit="dB", live=True,
    )  # fmt: skip
    gain_db: float = setting(
        6.0, "Gain", "Clips are made louder or softer by up to this much.", ge=0, le=24, step=1, unit="dB", live=True
    )
    reverb: float = setting(
        0.0, "Reverberation", "The share of clips that are put into a room. Acts on the waveform: each step then computes "
        "its spectrograms.",
        ge=0, le=1, step=0.05, flag="reverb", live=True,
    )  # fmt: skip
    reverb_seconds: float = setting(
        1.0, "Longest reverberation", "Reverberation times are drawn between a tenth of this one and it.",
        ge=0.1, le=4, step=0.1, unit="s", advanced=True,
    )  # fmt: skip
    noise: float = setting(
        0.0, "Background noise", "The share of clips to which noise is added, at a random signal-to-noise ratio. Acts on the waveform: "
        "each step then computes its spectrograms.", ge=0, le=1, step=0.05, flag="noise", live=True,
    )  # fmt: skip
    noise_snr_db: float = setting(
        10.0, "Lowest signal-to-noise ratio", "The noise is at most this loud: ratios are drawn between this one and 30 dB above it.",
        ge=-10, le=40, step=1, unit="dB", advanced=True,
    )  # fmt: skip
    noise_colour: Literal["any", "white", "pink", "brown"] = setting(
        "any", "Colour of the noise", "white hisses, pink rushes, brown rumbles; any draws one between white and brown for each clip.",
        advanced=True,
    )  # fmt: skip
    noise_file: str | None = setting(
        None, "Recorded noise", "A sound file that is added in place of made noise: rain, a fan, the street of your machine. Each clip "
        "gets another stretch of it.", advanced=True,
    )  # fmt: skip
    mixup: float = setting(
        1.0, "Mixing", "The share of clips that are mixed with a second clip, labels in the same ratio. Energies are added, "
        "as they do when two sounds are heard at once.", ge=0, le=1, step=0.05, flag="mixup", live=True,
    )  # fmt: skip
    time_mask: float = setting(
        0.1,
        "Time masking",
        "Up to this share of the frames is blanked, in one stretch a mask.",
        ge=0,
        le=0.5,
        step=0.02,
        live=True,
    )
    freq_mask: float = setting(
        0.1,
        "Frequency masking",
        "Up to this share of the mel bands is blanked, in one stretch a mask.",
        ge=0,
        le=0.5,
        step=0.02,
        live=True,
    )
    masks: int = setting(
        1, "Masks", "How many stretches are blanked in each direction.", ge=1, le=4, step=1, advanced=True, live=True
    )
    plain_share: float = setting(
        0.1, "Plain ending", "For this last share of the epochs mixing is off, so that training ends on clips as they are.",
        ge=0, le=1, step=0.05, advanced=True,
    )  # fmt: skip


class ModelConfig(SettingGroup):
    """The network."""

    name: str = setting(
        "compact", "Network", "compact (our own, small and strong), resnet18, small_cnn (the article's), or timm:NAME for any network "
        "of timm.", flag="model",
    )  # fmt: skip
    dropout: float = setting(
        0.2, "Dropout", "The share of features that are dropped before the last layer. More of it works against overfitting.",
        ge=0, le=0.9, step=0.05, flag="dropout", live=True,
    )  # fmt: skip
    width: float = setting(
        1.0, "Width", "Channels of the compact network as a multiple of its own. Other networks keep theirs.",
        ge=0.25, le=4, step=0.25, advanced=True,
    )  # fmt: skip
    pretrained: str = setting(
        "none", "Pretrained weights", "none starts fresh. published takes what timm publishes for timm:NAME, and torchvision for resnet18. "
        "Else the path of a file with weights of the same network (.safetensors, .pt, .pth), the folder or zip of a run, or a run's id.",
    )  # fmt: skip
    freeze_epochs: int = setting(
        0, "Frozen epochs", "In so many epochs at the start only the last layer learns, so that its first errors do not spoil pretrained "
        "weights.", ge=0, le=1000, step=1, advanced=True,
    )  # fmt: skip


class OptimConfig(SettingGroup):
    """How the weights are found."""

    epochs: int | None = setting(
        None, "Epochs", "How often every training clip is seen. Automatic: as often as the training budget allows for a set of this size.",
        ge=1, le=2000, step=1, flag="epochs", log=True,
    )  # fmt: skip
    budget: int = setting(
        51200, "Training budget", "Clips of 5 s that the network sees in the whole run, where epochs are automatic: about five minutes on "
        "two cores with the default network. Sets of fewer than 320 clips use less of it, and of very large ones a part is drawn.",
        ge=100, le=1_000_000_000, unit="clips", flag="budget", log=True,
    )  # fmt: skip
    batch_size: int = setting(
        32, "Batch size", "Clips in a step. Larger batches keep a GPU busy; smaller ones often learn better from few clips.",
        ge=1, le=4096, step=1, unit="clips", flag="batch-size", log=True,
    )  # fmt: skip
    optimiser: Literal["sgd", "adamw"] = setting(
        "sgd", "Optimiser", "sgd with Nesterov momentum, or adamw.", flag="optimiser"
    )
    lr: float | None = setting(
        None, "Learning rate", "The highest learning rate of the schedule. Automatic: 0.1 for sgd, 0.002 for adamw.",
        ge=1e-6, le=2, flag="lr", log=True,
    )  # fmt: skip
    lr_factor: float = setting(
        1.0, "Learning-rate factor", "What the schedule says is multiplied by this. To be changed while a run trains.",
        ge=0.01, le=10, advanced=True, log=True, live=True,
    )  # fmt: skip
    body_lr: float = setting(
        1.0, "Learning rate of the body", "All layers before the last one learn at the learning rate times this. Less than 1 keeps "
        "pretrained weights closer to what they were.", ge=0.001, le=1, advanced=True, log=True,
    )  # fmt: skip
    schedule: Literal["onecycle", "cosine", "constant"] = setting(
        "onecycle", "Schedule", "How the learning rate moves over the run: up and down in one cycle, down along a cosine, or not at all.",
        advanced=True,
    )  # fmt: skip
    momentum: float = setting(0.9, "Momentum", "Of sgd.", ge=0, le=0.999, step=0.01, advanced=True)
    weight_decay: float = setting(
        5e-4, "Weight decay", "Pulls the weights towards zero.", ge=0, le=1, advanced=True, log=True
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        "This share of each label is spread over all classes.",
        ge=0,
        le=0.5,
        step=0.01,
        live=True,
    )
    averaging: float = setting(
        0.2, "Averaged weights", "The weights of this last share of the epochs are averaged; the average is reported and saved. "
        "0 takes the last weights as they are.", ge=0, le=1, step=0.05,
    )  # fmt: skip
    clip_norm: float = setting(
        5.0, "Gradient limit", "Gradients longer than this are shortened. 0 leaves them.", ge=0, le=100, advanced=True
    )

    @property
    def peak_lr(self) -> float:
        """The highest learning rate, with "automatic" worked out."""
        return self.lr if self.lr is not None else {"sgd": 0.1, "adamw": 0.002}[self.optimiser]


class RuntimeConfig(SettingGroup):
    """Where and in what form the work is done."""

    device: str = setting(
        "auto",
        "Device",
        "auto, cpu, cuda, cuda:N, or all. auto takes the first GPU that can run a kernel, else the CPU; all shares each batch "
        "among all GPUs of the machine.",
        flag="device",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "auto", "Precision", "auto times a few steps in each precision and memory format and takes the fastest.", advanced=True,
        flag="precision",
    )  # fmt: skip
    memory_format: Literal["auto", "contiguous", "channels_last"] = setting(
        "auto",
        "Memory format",
        "How images lie in memory inside the network. auto as for the precision.",
        advanced=True,
    )
    compile: Literal["auto", "on", "off"] = setting(
        "auto", "Compile", "Whether torch.compile makes code of its own for the network. auto tries it where the run is long enough to "
        "earn the compiling back, and takes it where it is faster and right.", advanced=True,
    )  # fmt: skip
    out_of_memory: Literal["fail", "divide"] = setting(
        "fail", "Out of memory", "fail ends the run and says which batch would fit; divide takes each batch in parts that fit, their "
        "gradients summed, and goes on.", advanced=True,
    )  # fmt: skip
    micro_batch: int | None = setting(
        None, "Part of a batch", "So many clips of a batch are taken at a time, their gradients summed: less memory, the same steps. "
        "Batch norm then sees the part alone. Automatic: the whole batch.", ge=1, le=4096, step=1, unit="clips", advanced=True,
    )  # fmt: skip
    advisor: Literal["off", "suggest", "apply"] = setting(
        "suggest", "Overfitting", "What is done where it shows over several epochs: suggest says what to change; apply changes it, going "
        "by clips set aside for validation (a tenth of the training clips where no share is given); off keeps silent.", flag="advisor",
        advanced=True,
    )  # fmt: skip
    golden_clips: int = setting(
        4, "Golden clips", "So many held-out clips, a window of each, travel with the weights and are replayed when a service loads them. "
        "Whoever gets the weights can hear them. 0: none.", ge=0, le=32, step=1, unit="clips", advanced=True,
    )  # fmt: skip
    seed: int = setting(
        0, "Seed", "The same seed on the same machine makes the same run.", ge=0, le=2**31 - 1, flag="seed"
    )
    threads: int | None = setting(
        None, "CPU threads", "Automatic: one a core that this process may use.", ge=1, le=1024, advanced=True
    )
