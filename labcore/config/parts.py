"""The settings of a run, part by part. A setting is added by adding a field: give it a title, a help text, bounds, and a unit."""

from __future__ import annotations

from typing import Literal

from labcore.config.setting import SettingGroup, setting


class DataConfig(SettingGroup):
    """Which clips are trained on, and which are tested on."""

    dataset: str = setting(
        "demo",
        "Data set",
        "Name of a data set in the workspace, or path of a folder, a CSV file or annotations.",
        flag="dataset",
    )
    labels: Literal["all", "first", "single"] = setting(
        "all", "Several labels", "What to learn of a data set whose clips may have several labels. all: every label, each by itself "
        "(multi-label classification). first: the first label of each clip. single: only clips with one label. With first and single, a "
        "clip has one class.", advanced=True,
    )  # fmt: skip
    fold: str | None = setting(
        None, "Test fold", "Fold that is never trained on; the reported accuracy is measured on it. Automatic: the test part if the data "
        "set has one, else the first fold.", flag="fold",
    )  # fmt: skip
    split: Literal["official", "random"] = setting(
        "official", "Split", "official: the folds of the data set, with all clips of a recording on the same side. random: a random "
        "split that ignores recordings. It leaks, and shows how much too high the accuracy of such a split is.", advanced=True,
    )  # fmt: skip
    named_split: str | None = setting(
        None, "Named split", "Folds of a split that is kept beside the data set, made with `labcore datasets split`. Automatic: the "
        "folds of the data set.", advanced=True, flag="named-split",
    )  # fmt: skip
    validation_share: float = setting(
        0.0, "Validation share", "Share of the training clips set aside for validation, by whole recordings. The curves then show these "
        "clips, and the test fold is evaluated once, at the end. 0: the curves show the test fold.",
        ge=0, le=0.5, step=0.05, advanced=True,
    )  # fmt: skip
    leave_out: str | None = setting(
        None, "Excluded fold", "Fold that is neither trained nor tested on. Tuning uses it to keep the final test fold unseen.",
        advanced=True, unset="none",
    )  # fmt: skip
    exclude_classes: tuple[str, ...] = setting(
        (), "Excluded classes", "Classes whose clips are neither trained nor tested on; the network does not know them. Leaving one out "
        "shows how well unknown sounds are noticed.", advanced=True, unset="none",
    )  # fmt: skip
    train_clips: int | None = setting(
        None, "Training clips", "Largest number of training clips; a stratified sample is drawn. Automatic: all, unless epochs are "
        "automatic and the training budget is too small for five epochs of all.", ge=1, le=100_000_000, step=1, advanced=True,
    )  # fmt: skip
    train_recordings: int | None = setting(
        None, "Recordings per class", "Largest number of training recordings of each class, with all clips of the class in them; a random "
        "sample is drawn. Learning curves use it.", ge=1, le=100_000_000, step=1, advanced=True, unset="all",
    )  # fmt: skip
    sample: int = setting(
        1, "Sample number", "Which random sample of clips or recordings is drawn where fewer are trained on than there are.",
        ge=1, le=2**31 - 1, step=1, advanced=True,
    )  # fmt: skip
    balance: Literal["none", "sampling", "weighting"] = setting(
        "sampling", "Class imbalance", "What to do if the largest class has more than twice the clips of the smallest. sampling: "
        "oversample rare classes, by the square root of their frequency and at most 8 times. weighting: weight them in the loss. none: "
        "nothing.", advanced=True,
    )  # fmt: skip
    windows: Literal["centred", "grid", "exact"] = setting(
        "centred", "Windows", "How clips are cut from recordings with time-stamped annotations. centred: a window in the middle of each "
        "label, several in a long one. grid: windows at regular steps. exact: each label is a clip as it is.", advanced=True,
    )  # fmt: skip
    window_seconds: float | None = setting(
        None, "Window length", "Length of the windows that are cut from annotated recordings. Automatic: the clip length; if that is "
        "automatic too, so long that 90 % of the labels fit, in steps from 1 to 10 s.", ge=0.1, le=60, step=0.1, unit="s", advanced=True,
    )  # fmt: skip
    window_overlap: float = setting(
        0.0,
        "Window overlap",
        "Share of a window that overlaps the next one on the grid.",
        ge=0,
        le=0.9,
        step=0.05,
        advanced=True,
    )
    least_overlap: float = setting(
        0.5, "Least overlap", "Share that a window and a label have to have in common for the window to have that label. A window "
        "that is centred on a label always has it.", ge=0.01, le=1, step=0.05, advanced=True,
    )  # fmt: skip
    overlap_of: Literal["shorter", "event", "window"] = setting(
        "shorter", "Overlap measured on", "What the least overlap is a share of: the label (event), the window, or the shorter of them.",
        advanced=True,
    )  # fmt: skip
    mixed_windows: Literal["drop", "longest", "all"] = setting(
        "drop", "Windows of several classes", "drop: leave out windows with labels of several classes. longest: take the class that "
        "fills most of the window. all: keep all their labels and learn each by itself (multi-label classification).", advanced=True,
    )  # fmt: skip
    annotations: Literal["partial", "complete"] = setting(
        "partial", "Annotations", "complete: every sound of interest is labelled, so that the unlabelled parts of annotated recordings "
        "become clips of the class background. partial: unlabelled parts are not used.", advanced=True,
    )  # fmt: skip
    background_ratio: float = setting(
        1.0, "Background clips", "Most clips of background for each labelled clip, spread evenly over the recordings. Only if "
        "annotations are complete.", ge=0, le=100, step=0.5, advanced=True,
    )  # fmt: skip
    least_confidence: float = setting(
        0.0, "Least confidence", "Labels with a lower confidence are not used. Labels without a confidence always are.",
        ge=0, le=1, step=0.05, advanced=True,
    )  # fmt: skip
    label_column: str | None = setting(
        None, "Label column", "Column, tier or tag of the annotations that holds the label. Automatic: Annotation, Label, Species or a "
        "similar name, else the first with words.", advanced=True,
    )  # fmt: skip


class AudioConfig(SettingGroup):
    """How clips are resampled and cut."""

    sample_rate: int | None = setting(
        None, "Sample rate", "Clips are resampled to this rate once, when the clip store is built. Automatic: as low as what the "
        "training clips hold allows, and no higher than the usual sample rate unless much of their sound lies above it (bats).",
        ge=4000, le=500000, step=50, unit="Hz",
    )  # fmt: skip
    usual_rate: int = setting(
        22050, "Usual sample rate", "What an automatic sample rate is for clips that hold all audible frequencies, and where no clips "
        "are known.", ge=4000, le=96000, step=50, unit="Hz", advanced=True,
    )  # fmt: skip
    clip_seconds: float | None = setting(
        None, "Clip length", "Length of the network's input. Longer clips are cropped at random in training and split into windows in "
        "use; shorter clips are padded with silence. Automatic: the 95th percentile of the clip lengths, at most 10 s; less for "
        "ultrasound.",
        ge=0.1, le=60, step=0.1, unit="s",
    )  # fmt: skip
    silent_windows: Literal["skip", "count"] = setting(
        "skip", "Silent windows", "Whether silent windows (30 dB below the loudest one) count in the prediction for a clip of several "
        "windows.", advanced=True,
    )  # fmt: skip


class FeaturesConfig(SettingGroup):
    """The log-mel spectrogram, the front end of training and use."""

    n_fft: int | None = setting(
        None, "FFT size", "Samples per Fourier transform. Larger: finer frequency resolution, coarser time resolution. Automatic: about "
        "46 ms, which is 1024 at 22.05 kHz; shorter for ultrasound, since calls are the shorter the higher they are.",
        ge=64, le=32768, step=64, unit="samples", advanced=True,
    )  # fmt: skip
    win_length: int | None = setting(
        None, "Window length", "Samples under the window function, at most the FFT size. Automatic: the FFT size; shorter for clips "
        "below 2.3 s, down to 25 ms.", ge=32, le=32768, step=32, unit="samples", advanced=True,
    )  # fmt: skip
    hop_length: int | None = setting(
        None, "Hop length", "Samples between successive frames. Halving it doubles the frames and the work. Automatic: about 23 ms; "
        "shorter for clips below 2.3 s, to give 100 frames per clip, down to 6 ms.",
        ge=16, le=16384, step=16, unit="samples", advanced=True,
    )  # fmt: skip
    n_mels: int = setting(
        64, "Mel bands", "Rows of the mel spectrogram. 64 suit most sounds, 128 fine differences of pitch.", ge=8, le=256, step=8,
    )  # fmt: skip
    f_min: float | None = setting(
        None, "Lowest frequency", "Lower edge of the mel bands. Removes rumble and wind. Automatic: 50 Hz; more for ultrasound.",
        ge=0, le=50000, step=10, unit="Hz", advanced=True,
    )  # fmt: skip
    f_max: float | None = setting(
        None, "Highest frequency", "Upper edge of the mel bands. Automatic: 14 kHz or 90 % of the Nyquist frequency, whichever is lower; "
        "above a sample rate of 96 kHz, and where sounds of the training clips lie higher, always 90 %. Clips that are not resampled are "
        "heard up to the Nyquist frequency.", ge=200, le=250000, step=100, unit="Hz", advanced=True,
    )  # fmt: skip
    window: Literal["hann", "hamming", "blackman", "rectangular"] = setting(
        "hann", "Window function", "Window applied to each frame. blackman leaks least between frequencies, rectangular most.",
        advanced=True,
    )  # fmt: skip
    mel_scale: Literal["htk", "slaney"] = setting(
        "htk", "Mel scale", "Definition of the mel. htk: logarithmic. slaney: linear below 1 kHz.", advanced=True
    )
    mel_norm: Literal["none", "slaney"] = setting(
        "none", "Mel norm", "slaney: divide each band by its width, so that white noise looks flat. It does not change training, since "
        "each band is normalised.", advanced=True,
    )  # fmt: skip
    floor_db: float = setting(
        -80.0, "Floor", "Lower levels are raised to this one, so that digital silence and faint hiss look alike.",
        ge=-120, le=-20, step=5, unit="dB", advanced=True,
    )  # fmt: skip


class AugmentConfig(SettingGroup):
    """Random changes of the training clips, new in every epoch. Zero switches an augmentation off."""

    time_shift_seconds: float = setting(
        2.5, "Time shift", "Largest shift in time. What leaves at one end enters at the other, which would cut a word in two: clips "
        "shorter than 4 s are shifted less, by the square of their length. Longer clips than the clip length are cropped at random, too.",
        ge=0, le=5, step=0.1, unit="s", live=True,
    )  # fmt: skip
    avoid_silence: Literal["on", "off"] = setting(
        "on", "Avoid silence", "Redraw crops that are silent: 30 dB below the clip's loudest crop.", advanced=True
    )
    time_scale: float = setting(
        0.2, "Time stretch", "Largest change of tempo, as a share, at unchanged pitch.", ge=0, le=0.5, step=0.05, live=True,
    )  # fmt: skip
    speed: float = setting(
        0.0, "Speed (pitch follows)", "Largest change of speed, as a share. Pitch changes with it, as on a tape.",
        ge=0, le=0.5, step=0.05, live=True,
    )  # fmt: skip
    pitch_semitones: float = setting(
        2.0, "Pitch shift", "Largest change of pitch, at unchanged tempo.", ge=0, le=12, step=0.5, unit="semitones", live=True,
    )  # fmt: skip
    equaliser_db: float = setting(
        12.0, "Equaliser", "Strength of a smooth random filter. Imitates other microphones and rooms.",
        ge=0, le=24, step=1, unit="dB", live=True,
    )  # fmt: skip
    gain_db: float = setting(
        6.0, "Gain", "Largest change of loudness, up or down.", ge=0, le=24, step=1, unit="dB", live=True
    )
    reverb: float = setting(
        0.0, "Reverberation", "Share of clips that get the reverberation of a random room. Acts on the waveform, so spectrograms are "
        "computed at every step.", ge=0, le=1, step=0.05, flag="reverb", live=True,
    )  # fmt: skip
    reverb_seconds: float = setting(
        1.0, "Longest reverberation", "Reverberation times (RT60) are drawn between a tenth of this value and this value.",
        ge=0.1, le=4, step=0.1, unit="s", advanced=True,
    )  # fmt: skip
    noise: float = setting(
        0.0, "Background noise", "Share of clips that get noise at a random signal-to-noise ratio. Acts on the waveform, so spectrograms "
        "are computed at every step.", ge=0, le=1, step=0.05, flag="noise", live=True,
    )  # fmt: skip
    noise_snr_db: float = setting(
        10.0, "Lowest signal-to-noise ratio", "Ratios are drawn between this value and 30 dB above it. Generated noise begins at "
        "the lowest frequency of the mel bands.",
        ge=-10, le=40, step=1, unit="dB", advanced=True,
    )  # fmt: skip
    noise_colour: Literal["any", "white", "pink", "brown"] = setting(
        "any", "Noise colour", "Spectrum of the noise. any: between white and brown, drawn for each clip.", advanced=True,
    )  # fmt: skip
    noise_file: str | None = setting(
        None, "Recorded noise", "Sound file to add in place of generated noise: rain, a fan, a street. Each clip gets a random part of "
        "it.", advanced=True, unset="none",
    )  # fmt: skip
    mixup: float = setting(
        1.0, "Mixup", "Share of clips that are mixed with a second clip, labels in the same proportion. Energies are added, as when two "
        "sounds are heard at once.", ge=0, le=1, step=0.05, flag="mixup", live=True,
    )  # fmt: skip
    time_mask: float = setting(
        0.1, "SpecAugment: time mask", "Largest share of the frames blanked by one mask.", ge=0, le=0.5, step=0.02, live=True,
    )  # fmt: skip
    freq_mask: float = setting(
        0.1, "SpecAugment: frequency mask", "Largest share of the mel bands blanked by one mask.", ge=0, le=0.5, step=0.02, live=True,
    )  # fmt: skip
    masks: int = setting(
        1, "SpecAugment: masks", "Number of masks in time, and in frequency.", ge=1, le=4, step=1, advanced=True, live=True,
    )  # fmt: skip
    plain_share: float = setting(
        0.1, "No mixup in the last epochs", "Share of the epochs, at the end of training, without mixup.",
        ge=0, le=1, step=0.05, advanced=True,
    )  # fmt: skip


class ModelConfig(SettingGroup):
    """Architecture and initial weights."""

    name: str = setting(
        "compact", "Network", "compact: the lab's own small network. small_cnn: the CNN of the benchmark. resnet18, or timm:NAME for a "
        "network of timm.", flag="model",
    )  # fmt: skip
    dropout: float = setting(
        0.2, "Dropout", "Share of features dropped before the last layer. Raise it against overfitting.",
        ge=0, le=0.9, step=0.05, flag="dropout", live=True,
    )  # fmt: skip
    width: float = setting(
        1.0, "Width", "Factor on the channels of the compact network. Other networks ignore it.", ge=0.25, le=4, step=0.25, advanced=True,
    )  # fmt: skip
    pretrained: str = setting(
        "none", "Pretrained weights", "none: train from scratch. published: the weights that torchvision (resnet18) or timm (timm:NAME) "
        "publish. Or a file with weights of the same network (.safetensors, .pt, .pth), the folder or zip of a run, or a run's id.",
    )  # fmt: skip
    freeze_epochs: int = setting(
        0, "Freeze backbone (epochs)", "Number of epochs, at the start, in which only the last layer is trained. Protects pretrained "
        "weights from the first large gradients.", ge=0, le=1000, step=1, advanced=True,
    )  # fmt: skip
    few_clips: Literal["auto", "off"] = setting(
        "auto", "Help for few clips", "auto: with fewer than 5 training clips per class, a linear classifier on the features of the "
        "built-in network is added at the end of training, and its probabilities are averaged with those of the trained network. off: "
        "the trained network alone.", advanced=True,
    )  # fmt: skip


class OptimConfig(SettingGroup):
    """How the network is trained."""

    epochs: int | None = setting(
        None, "Epochs", "Passes over the training clips. Automatic: as many as the training budget allows. Changed while a run trains, "
        "the rest of the learning-rate schedule is gone through in what is left.", ge=1, le=2000, step=1, flag="epochs", log=True,
        live=True,
    )  # fmt: skip
    budget: int = setting(
        102400, "Training budget", "Clips of 5 s to train on in total if epochs are automatic. The default takes about four minutes on "
        "two cores with bf16 and the default network. Sets of fewer than 320 clips use less; of very large sets a sample is drawn.",
        ge=100, le=1_000_000_000, unit="clips", flag="budget", log=True,
    )  # fmt: skip
    batch_size: int = setting(
        32, "Batch size", "Clips per step. Larger batches use a GPU better; smaller ones often generalise better with few clips.",
        ge=1, le=4096, step=1, flag="batch-size", log=True,
    )  # fmt: skip
    optimizer: Literal["sgd", "adamw"] = setting(
        "sgd", "Optimizer", "sgd (with Nesterov momentum) or adamw.", flag="optimizer"
    )
    lr: float | None = setting(
        None, "Learning rate", "Peak of the learning-rate schedule. Automatic: 0.1 for sgd, 0.002 for adamw.",
        ge=1e-6, le=2, flag="lr", log=True,
    )  # fmt: skip
    lr_factor: float = setting(
        1.0, "Learning-rate factor", "Multiplies the scheduled learning rate. Meant for adjusting a run while it trains.",
        ge=0.01, le=10, advanced=True, log=True, live=True,
    )  # fmt: skip
    body_lr: float = setting(
        1.0, "Backbone learning-rate factor", "Multiplies the learning rate of all layers but the last. Below 1, pretrained weights "
        "change less.", ge=0.001, le=1, advanced=True, log=True,
    )  # fmt: skip
    schedule: Literal["onecycle", "cosine", "constant"] = setting(
        "onecycle", "Schedule", "Learning-rate schedule. onecycle: warm-up, then decay. cosine: cosine decay. constant: none.",
        advanced=True,
    )  # fmt: skip
    momentum: float = setting(0.9, "Momentum", "Momentum of sgd.", ge=0, le=0.999, step=0.01, advanced=True)
    weight_decay: float = setting(
        5e-4, "Weight decay", "Pulls the weights towards zero.", ge=0, le=1, advanced=True, log=True
    )
    label_smoothing: float = setting(
        0.0, "Label smoothing", "Share of each label that is spread evenly over all classes.", ge=0, le=0.5, step=0.01, live=True,
    )  # fmt: skip
    averaging: float = setting(
        0.2, "Weight averaging (SWA)", "Share of the epochs, at the end of training, whose weights are averaged. The average is "
        "evaluated and saved. 0: the last weights.", ge=0, le=1, step=0.05,
    )  # fmt: skip
    clip_norm: float = setting(
        5.0, "Gradient clipping", "Largest norm of the gradients; longer ones are scaled down. 0: no clipping.",
        ge=0, le=100, advanced=True,
    )  # fmt: skip

    @property
    def peak_lr(self) -> float:
        """The highest learning rate, with "automatic" worked out."""
        return self.lr if self.lr is not None else {"sgd": 0.1, "adamw": 0.002}[self.optimizer]


class RuntimeConfig(SettingGroup):
    """Device, precision and memory."""

    device: str = setting(
        "auto", "Device", "auto: the first GPU, in the queue the first that is free, else the CPU. cpu, cuda or cuda:N: this device. "
        "all: every batch is split over all GPUs of the machine.", flag="device",
    )  # fmt: skip
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "auto", "Precision", "auto: time a few steps in each precision and memory format, and use the fastest.",
        advanced=True, flag="precision",
    )  # fmt: skip
    memory_format: Literal["auto", "contiguous", "channels_last"] = setting(
        "auto", "Memory format", "Layout of image tensors in memory. auto: chosen with the precision.", advanced=True
    )
    compile: Literal["auto", "on", "off"] = setting(
        "auto", "torch.compile", "Compile the network with torch.compile. auto: if the run is long enough to pay for it, and the "
        "compiled network is faster and gives the same result.", advanced=True,
    )  # fmt: skip
    cuda_graph: Literal["auto", "off"] = setting(
        "auto", "CUDA graph", "On a GPU, record a training step once and replay it, so that the processor does not slow the GPU down. "
        "auto: wherever the step can be recorded. off: queue every step kernel by kernel.", advanced=True,
    )  # fmt: skip
    out_of_memory: Literal["fail", "split"] = setting(
        "fail", "Out of memory", "fail: stop, and tell which batch size would fit. split: continue with smaller micro-batches and the "
        "same steps (gradient accumulation).", advanced=True,
    )  # fmt: skip
    micro_batch: int | None = setting(
        None, "Micro-batch", "Gradient accumulation: clips per forward pass, gradients summed to a whole batch. Less "
        "memory, the same steps; batch normalisation sees the micro-batch. Automatic: the whole batch.",
        ge=1, le=4096, step=1, advanced=True,
    )  # fmt: skip
    advisor: Literal["off", "suggest", "apply"] = setting(
        "suggest", "Overfitting advisor", "Watches for overfitting over several epochs. suggest: propose changes of settings. apply: "
        "make them, judged on validation clips (a tenth of the training clips if no share is set). off: no advice.",
        flag="advisor", advanced=True,
    )  # fmt: skip
    golden_clips: int = setting(
        4, "Self-check clips", "Held-out clips stored with the weights and classified again when a service loads them. Anyone who has "
        "the weights can listen to them. 0: none.", ge=0, le=32, step=1, advanced=True,
    )  # fmt: skip
    seed: int = setting(
        0, "Seed", "Seed of all random numbers. The same seed on the same machine repeats a run exactly.",
        ge=0, le=2**31 - 1, flag="seed",
    )  # fmt: skip
    threads: int | None = setting(
        None, "CPU threads", "Threads for computing on the CPU. Automatic: one per core available to the process.",
        ge=1, le=1024, advanced=True,
    )  # fmt: skip
