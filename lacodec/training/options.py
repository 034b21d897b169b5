"""The options of a training recipe: typed, with defaults that suit a GPU; the command derives its flags from it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lacodec.errors import BadInput


def says(default: Any, text: str, unit: str = "N") -> Any:
    """A field with its help text and the name of its value, from which the command makes a flag."""
    return field(default=default, metadata={"help": text, "unit": unit})


@dataclass(frozen=True)
class RunOptions:
    """The options of every training."""

    minutes: float | None = says(None, "stop after this many minutes of training, including those before a resume")
    steps: int | None = says(None, "stop after this many steps")
    average: float = says(0.999, "decay of the averaged weights (the ones that are saved)")
    precision: Literal["auto", "bfloat16", "float32"] = says(
        "auto", "of most multiplications; auto: bfloat16 on GPUs and on CPUs with AVX-512"
    )
    seed: int = says(0, "seed of all random numbers")
    report: int = says(100, "steps between lines of the curve")
    save: float = says(5.0, "minutes between checkpoints, each with a validation")

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise BadInput("give either minutes or steps for the length of the training")
        if (self.minutes is not None and not self.minutes > 0) or (self.steps is not None and not self.steps > 0):
            raise BadInput("minutes or steps must be above 0")
        if not (0 <= self.average < 1 and self.report > 0 and self.save > 0):
            raise BadInput("average must be from 0 to 1 (1 excluded), report and save above 0")
        self.check_choice("precision", "auto", "bfloat16", "float32")

    def check_choice(self, name: str, *known: str) -> None:
        """Raise BadInput for a value that is not known."""
        if getattr(self, name) not in known:
            raise BadInput(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(known)}")


@dataclass(frozen=True)
class TrainOptions(RunOptions):
    """A training of image models. Lengths of phases are parts of the whole run, be it counted in steps or minutes."""

    batch: int = says(16, "crops in a step (of each process, with torchrun)")
    crop: int = says(256, "pixels a side of a crop, a multiple of 64")
    rate: float = says(4e-4, "learning rate of the entropy networks")
    transform_rate: float = says(2e-4, "learning rate of the transforms")
    entropy_first: float = says(0.03, "part of the run in which only entropy networks learn")
    quantise_from: float = says(0.75, "part of the run after which entropy networks are simulated as integers")
    loss: Literal["mse", "ms-ssim", "perceptual"] = says(
        "mse", "distortion to minimise: squared error, structure, or visible contrast"
    )
    masks: str | None = says(None, "folder of gray PNG masks named like the pictures; black areas count less", "FOLDER")
    mask_floor: float = says(0.1, "weight of black in a mask; white has weight 1")
    task_network: str | None = says(
        None, "Python function that returns a torch.nn.Module, whose features are part of the distortion", "MODULE:FUNCTION"
    )
    task_layers: str | None = says(None, "comma-separated layers of it to compare, instead of its results", "NAMES")
    task_weight: float = says(0.1, "weight of these features in the loss")
    teacher: str | None = says(None, "model file or checkpoint of a larger model to learn from", "PATH")
    teach_features_until: float = says(0.4, "part of the run in which the teacher's pixels and latents are learnt")
    teach_entropy_until: float = says(0.7, "part of the run after which the teacher's predictions no longer count")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.batch > 0 and self.crop > 0 and self.crop % 64 == 0):
            raise BadInput(f"batch {self.batch}, crop {self.crop}: both must be above 0, and crop a multiple of 64")
        if not (0 < self.rate < 1 and 0 < self.transform_rate < 1):
            raise BadInput("learning rates must be between 0 and 1")
        self.check_choice("loss", "mse", "ms-ssim", "perceptual")
        if self.loss == "ms-ssim" and self.crop < 192:
            raise BadInput(f"crop {self.crop}: ms-ssim needs crops of at least 192 pixels, to fit its coarsest window")
        if not (0 <= self.mask_floor <= 1 and self.task_weight > 0):
            raise BadInput("the floor of masks must be between 0 and 1, the weight of a task network above 0")
        if not 0 <= self.teach_features_until <= self.teach_entropy_until <= 1:
            raise BadInput(
                "a teacher first teaches features, then entropy; needed: 0 <= teach_features_until <= teach_entropy_until <= 1"
            )
