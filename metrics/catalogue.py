"""The families of scores that there are: what each means and what it reads. Loads no metric."""

from collections.abc import Iterable, Sequence

from metrics.errors import MetricsError, UnknownNameError, expect
from metrics.family import Family
from metrics.features import Extractor
from metrics.mixture import Mixture
from metrics.names import LITERATURE, nearest

# Of all definitions of scores together; part of every protocol. Raised whenever a number may change.
VERSION = 1

METRICS = {
    family.name: family
    for family in (
        Family(
            name="fd",
            summary="Frechet distance between generated and real features, both taken as Gaussians",
            paper="Heusel et al., 2017",
            higher_is_better=False,
            needs="features",
            judge="metrics.frechet:FrechetDistance",
            parts=("gaussian",),
        ),
        Family(
            name="is",
            summary="Inception score: sure answers of a classifier, and varied ones; it never looks at the reals",
            paper="Salimans et al., 2016",
            higher_is_better=True,
            needs="logits",
            judge="metrics.inception_score:InceptionScore",
        ),
        Family(
            name="precision",
            summary="share of generated samples that lie among the nearest neighbours of a real one",
            paper="Kynkaanniemi et al., 2019",
            higher_is_better=True,
            needs="features",
            judge="metrics.neighbours:Neighbours",
            parts=("rows", "neighbourhoods"),
        ),
        Family(
            name="recall",
            summary="share of real samples that lie among the nearest neighbours of a generated one",
            paper="Kynkaanniemi et al., 2019",
            higher_is_better=True,
            needs="features",
            judge="metrics.neighbours:Neighbours",
            parts=("rows", "neighbourhoods"),
        ),
        Family(
            name="density",
            summary="how many real neighbourhoods hold a generated sample, 1 on average for a perfect sampler",
            paper="Naeem et al., 2020",
            higher_is_better=True,
            needs="features",
            judge="metrics.neighbours:Neighbours",
            parts=("rows", "neighbourhoods"),
        ),
        Family(
            name="coverage",
            summary="share of real samples that have a generated one among their nearest neighbours",
            paper="Naeem et al., 2020",
            higher_is_better=True,
            needs="features",
            judge="metrics.neighbours:Neighbours",
            parts=("rows", "neighbourhoods"),
        ),
        Family(
            name="kd",
            summary="squared discrepancy of both laws under a cubic kernel, over all samples: unbiased",
            paper="Binkowski et al., 2018",
            higher_is_better=False,
            needs="features",
            judge="metrics.kernel:KernelDistance",
            parts=("rows", "cubic"),
        ),
        Family(
            name="kd_subsets",
            summary="`kd` as the papers print it, the mean over 100 random subsets of 1,000",
            paper="Binkowski et al., 2018",
            higher_is_better=False,
            needs="features",
            judge="metrics.kernel:SubsetKernelDistance",
            parts=("rows",),
        ),
        Family(
            name="fd_infinity",
            summary="`fd` extrapolated to samples without end, where its bias is gone",
            paper="Chong & Forsyth, 2020",
            higher_is_better=False,
            needs="features",
            judge="metrics.extrapolation:FrechetInfinity",
            parts=("gaussian",),
        ),
        Family(
            name="mifd",
            summary="`fd`, made worse if generated samples lie next to real ones",
            paper="Bai et al., 2021",
            higher_is_better=False,
            needs="features",
            judge="metrics.memorisation:MemorisationInformed",
            parts=("gaussian", "rows"),
        ),
        Family(
            name="fd_class",
            summary="mean of `fd` within each class that both sides have; lost ones are for `class_jsd`",
            paper="Benny et al., 2021",
            higher_is_better=False,
            needs="logits",
            judge="metrics.classwise:ClassFrechet",
            parts=("rows", "classes"),
        ),
        Family(
            name="sliced_wasserstein",
            summary="Wasserstein distance along 512 random directions, in the units of the features",
            paper="Rabin et al., 2011",
            higher_is_better=False,
            needs="features",
            judge="metrics.sliced:SlicedWasserstein",
            parts=("rows",),
        ),
        Family(
            name="mmd_rbf",
            summary="squared discrepancy of both laws under a Gaussian kernel: unbiased, and no law is assumed",
            paper="Jayasumana et al., 2024",
            higher_is_better=False,
            needs="features",
            judge="metrics.kernel:GaussianDiscrepancy",
            parts=("rows", "gaussian_kernel"),
        ),
        Family(
            name="vendi",
            summary="effective number of different generated samples; the floor is that of the reals",
            paper="Friedman & Dieng, 2023",
            higher_is_better=True,
            needs="features",
            judge="metrics.vendi:Vendi",
            parts=("rows",),
        ),
        Family(
            name="parzen",
            summary="log-likelihood of reals under a kernel density of the generated samples: for history only",
            paper="Goodfellow et al., 2014",
            higher_is_better=True,
            needs="features",
            judge="metrics.parzen:Parzen",
            parts=("rows",),
        ),
        Family(
            name="utility",
            summary="accuracy on reals of a classifier taught by generated samples, and what these add to real ones",
            paper="Ravuri & Vinyals, 2019",
            higher_is_better=True,
            needs="logits",
            judge="metrics.classwise:Utility",
            parts=("rows", "classes"),
            yields=("utility", "utility_gain"),
        ),
        Family(
            name="duplicates",
            summary="share of generated samples with a near-duplicate among them, where 5 % of reals have one",
            paper="Arora et al., 2018",
            higher_is_better=False,
            needs="features",
            judge="metrics.collapse:NearDuplicates",
            parts=("rows",),
        ),
        Family(
            name="copies",
            summary="share of generated samples crowded by their nearest as 5 % of reals are; no scale matters",
            paper="Facco et al., 2017",
            higher_is_better=False,
            needs="features",
            judge="metrics.collapse:Copies",
            parts=("rows",),
        ),
        Family(
            name="support",
            summary="number of points that the generator seems to choose from, by the birthday paradox",
            paper="Arora et al., 2018",
            higher_is_better=True,
            needs="features",
            judge="metrics.collapse:Support",
            parts=("rows",),
        ),
        Family(
            name="spread",
            summary="mean distance between generated samples over that between reals",
            paper="Odena et al., 2017",
            higher_is_better=True,
            needs="features",
            judge="metrics.collapse:Spread",
            parts=("rows", "apart"),
            right_at_one=True,
        ),
        Family(
            name="ndb",
            summary="share of 100 bins of the reals that generated samples fill differently, corrected for all of them",
            paper="Richardson & Weiss, 2018",
            higher_is_better=False,
            needs="features",
            judge="metrics.collapse:DifferentBins",
            parts=("rows",),
        ),
        Family(
            name="spectrum_rank",
            summary="effective number of directions that generated features vary in, over that of as many reals",
            paper="Roy & Vetterli, 2007",
            higher_is_better=True,
            needs="features",
            judge="metrics.collapse:SpectrumRank",
            parts=("rows",),
            right_at_one=True,
        ),
        Family(
            name="class_jsd",
            summary="Jensen-Shannon divergence, in nats, of how often the extractor names each of its classes",
            paper="Santurkar et al., 2018",
            higher_is_better=False,
            needs="logits",
            judge="metrics.answers:ClassDivergence",
            parts=("answers",),
        ),
        Family(
            name="class_spread",
            summary="spread within the classes that the extractor names, as a share of all spread, over the reals' own",
            paper="Fisher, 1925",
            higher_is_better=True,
            needs="logits",
            judge="metrics.answers:ClassSpread",
            parts=("rows", "answers"),
            right_at_one=True,
        ),
        Family(
            name="class_sure",
            summary="share of samples of whose class the extractor is sure, with a probability of at least 90 %",
            paper="Hendrycks & Gimpel, 2017",
            higher_is_better=True,
            needs="logits",
            judge="metrics.answers:ClassSureness",
        ),
        Family(
            name="modes",
            summary="known modes with at least one valid sample, and with at least 1 % of all samples",
            paper="Srivastava et al., 2017",
            higher_is_better=True,
            needs="modes",
            judge="metrics.modes:ModeCount",
            yields=("modes", "modes_1pct"),
        ),
        Family(
            name="high_quality",
            summary="share of samples within 3 standard deviations of the nearest known mode",
            paper="Srivastava et al., 2017",
            higher_is_better=True,
            needs="modes",
            judge="metrics.modes:HighQuality",
        ),
        Family(
            name="mode_spread",
            summary="how far valid samples of known modes lie from their centres, over what the truth's own do",
            paper="Tallis, 1963",
            higher_is_better=True,
            needs="modes",
            judge="metrics.mode_spread:ModeSpread",
            right_at_one=True,
        ),
        Family(
            name="reverse_kl",
            summary="divergence, in nats, of the valid samples' shares of the known modes from the true ones",
            paper="Lin et al., 2018",
            higher_is_better=False,
            needs="modes",
            judge="metrics.divergences:ReverseKL",
        ),
        Family(
            name="mode_tv",
            summary="half the absolute differences of all samples' shares of the known modes from the true ones",
            paper="paired-discriminator (Sandlund, 2026)",
            higher_is_better=False,
            needs="modes",
            judge="metrics.divergences:ModeVariation",
        ),
        Family(
            name="mode_tv_valid",
            summary="the same for the valid samples alone: blur is not collapse",
            paper="paired-discriminator (Sandlund, 2026)",
            higher_is_better=False,
            needs="modes",
            judge="metrics.divergences:ValidModeVariation",
        ),
        Family(
            name="jsd",
            summary="Jensen-Shannon divergence, in nats, of all samples' shares of the known modes from the true ones",
            paper="Lin, 1991",
            higher_is_better=False,
            needs="modes",
            judge="metrics.divergences:JensenShannon",
        ),
        Family(
            name="jsd_valid",
            summary="the same for the valid samples alone: blur is not collapse",
            paper="Lin, 1991",
            higher_is_better=False,
            needs="modes",
            judge="metrics.divergences:ValidJensenShannon",
        ),
    )
}


def family(name: str) -> Family:
    """The family of this name."""
    expect(str, name, "the name of a metric, such as 'fd'")
    if name not in METRICS:
        known = next((each for each, published in LITERATURE.items() if published == name), None)
        meant = f"it is {known!r} on the extractor inception, and recorded as {name}" if known else ""
        raise UnknownNameError(f"there is no metric {name!r}; {meant or nearest(name, METRICS)}")
    return METRICS[name]


def named(families: Sequence[str]) -> list[Family]:
    """The families of these names; a bare word is no list of them."""
    if isinstance(families, str) or not isinstance(families, Iterable):
        raise MetricsError(f"expected a list of metrics, such as ['fd'], but {families!r} came")
    return [family(name) for name in families]


def key(name: str, extractor: str) -> str:
    """The key of a family's main score in this feature space: `fd` is `fid` with inception, `fd_lenet` with lenet."""
    return family(name).keys(extractor)[0]


def family_of(key: str) -> Family | None:
    """The family that has a score of this key, in whatever feature space."""
    names = {name: each for each in METRICS.values() for name in each.yields or (each.name,)}
    names |= {LITERATURE[name]: each for name, each in names.items() if name in LITERATURE}
    found = [name for name in names if key == name or key.startswith(f"{name}_")]
    return names[max(found, key=len)] if found else None


def check(families: Sequence[str], extractor: str | Extractor, modes: Mixture | None) -> None:
    """Raise, in one sentence, if these families cannot all be scored with this extractor on such data."""
    space = extractor if isinstance(extractor, str) else extractor.name
    found = named(families)
    if not found:
        raise MetricsError(f"name at least one metric; there are {', '.join(METRICS)}")
    for each in found:
        each.check(space, modes)
        if found.count(each) > 1:
            raise MetricsError(f"the metric {each.name!r} is named twice; name it once")
