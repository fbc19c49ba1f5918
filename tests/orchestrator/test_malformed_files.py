"""Every malformed experiment file: one sentence with file and line, status 2, and an untouched home."""

# ruff: noqa: E501  (a table reads better in long lines)

import pytest

import gans
from orchestrator import machine

GOOD = """\
name: tiny
variant: gan
data: {name: ring8}
hyperparameters: {batch: 64}
budget: {images: 2560, tick: 1280}
seeds: [0, 1]
evaluation: {samples: 100, metrics: [fd, modes]}
space:
  generator_lr: {loguniform: [1e-4, 1e-2]}
search: {contenders: 2, sampler: random}
resources: {cpus: 1}
stop: [diverged]
"""
STUDY = """\
name: tiny
study:
  variants: [gan, wgan]
  data: [ring8, grid25]
budget: {steps: 20, tick: 10}
"""

# A line says what is changed in the good file, the next one what is said of it: line, key and sentence.
SEARCHES = r"""
# Keys.
variant: gan => varaint: gan
    2: varaint: unknown key (did you mean 'variant'?)
stop: [diverged] => baselines: [gnn]
    12: baselines.0: no baseline 'gnn'; expected one of gmm
stop: [diverged] => banana: 1
    12: banana: unknown key; expected one of name, hyperparameters, budget, seeds, evaluation, resources, stop, baselines, log_system_metrics, variant, trainer, generator, data, space, search
samples: 100 => banana: 1
    7: evaluation.banana: unknown key; expected one of extractor, weights, samples, final_samples, metrics
tick: => tik:
    5: budget.tik: unknown key (did you mean 'tick'?); 1 more to mend
stop: [diverged] => name: again
    12: duplicate key 'name', first given at tiny.yaml:1
tick: 1280 => images: 1280
    5: duplicate key 'images', first given at tiny.yaml:5
name: tiny\n =>
    1: name: this key is missing; it has no default
data: {name: ring8}\n =>
    1: data: this key is missing; it has no default
, tick: 1280 =>
    5: budget.tick: this key is missing; it has no default

# Types.
images: 2560 => images: many
    5: budget.images: expected an integer, found 'many'
images: 2560 => images: '2560'
    5: budget.images: expected an integer, found '2560'
images: 2560 => images: 2560.5
    5: budget.images: expected an integer, found 2560.5
images: 2560 => images: true
    5: budget.images: expected an integer, found true
images: 2560 => images: 2024-01-01
    5: budget.images: expected an integer, found '2024-01-01'
{images: 2560, tick: 1280} => [2560, 1280]
    5: budget: expected a mapping, found a list
name: tiny => name:
    1: name: expected text, found nothing
name: tiny => name: 7
    1: name: expected text, found 7; put it in quotes
name: tiny => name: "ti\x0Any"
    1: name: expected one printable line, found the character U+000A
name: tiny => name: LONG
    1: name: expected one printable line of 1 to 200 characters
[0, 1] => 3
    6: seeds: expected a list, found 3
samples: 100 => samples: 1
    7: evaluation.samples: expected at least 2, found 1

# The budget and the seeds.
tick: 1280 => tick: 2561
    5: budget.tick: 2561 lies beyond the budget of 2560 images; lower the tick
tick: 1280 => tick: 0
    5: budget.tick: expected at least 1, found 0
images: 2560 => images: 2560, steps: 10
    5: budget: expected exactly one of images and steps
images: 2560, =>
    5: budget: expected exactly one of images and steps
images: 2560 => images: 9223372036854775808
    5: budget.images: expected less than 9223372036854775808, found 9223372036854775808
[0, 1] => [0, 1, 0]
    6: seeds.2: 0 stands twice; give each once
[0, 1] => []
    6: seeds: expected at least one entry, found an empty list
[0, 1] => [-1]
    6: seeds.0: expected at least 0, found -1

# Variants and data.
variant: gan => variant: dcgam
    2: variant: no variant 'dcgam' (did you mean 'dcgan'?)
variant: gan => variant: diffusion
    2: variant: no variant 'diffusion'; expected one of VARIANTS
variant: gan\n =>
    1: variant: expected a variant, a choice of variants under space, or a trainer
ring8 => rign8
    3: data.name: no dataset 'rign8' (did you mean 'ring8'?)
{name: ring8} =>
    3: data: expected a mapping, found nothing
{name: ring8} => {}
    3: data: expected exactly one of name, images and npz, found none
{name: ring8} => {name: ring8, npz: x}
    3: data: expected exactly one of name, images and npz, found name and npz
ring8} => ring8, spacing: 2}
    3: data.spacing: ring8 does not read it; it reads radius, std
ring8} => digits, std: 2}
    3: data.std: digits does not read it; it reads nothing beside its name
ring8} => ring8, radius: -2}
    3: data.radius: expected more than 0, found -2
ring8} => ring8, std: .inf}
    3: data.std: expected a finite number, found .inf
ring8} => ring8, size: 64}
    3: data.size: goes with images, not with name
{name: ring8} => {images: .}
    3: data.images: expected a size beside it, for example size: 64
{name: ring8} => {npz: nowhere.npz}
    3: data.npz: there is no file FOLDER/nowhere.npz; relative paths begin at the experiment file
{name: ring8} => {images: nowhere, size: 8}
    3: data.images: there is no folder FOLDER/nowhere; relative paths begin at the experiment file
{name: ring8} => {images: tiny.yaml, size: 8}
    3: data.images: there is no folder FOLDER/tiny.yaml; relative paths begin at the experiment file
{name: ring8} => {images: ., size: 4}
    3: data.size: expected at least 8, found 4

# Hyperparameters that are fixed.
batch: 64 => penalty.weight: 3
    4: hyperparameters.penalty.weight: gan does not read 'penalty.weight'; it reads READ_BY_GAN
batch: 64 => bacth: 64
    4: hyperparameters.bacth: gan does not read 'bacth' (did you mean 'batch'?); it reads READ_BY_GAN
batch: 64 => batch: 0
    4: hyperparameters.batch: batch must be a whole number of at least 2, but 0 came
batch: 64 => batch: 6.5
    4: hyperparameters.batch: batch must be a whole number of at least 2, but 6.5 came
batch: 64 => batch: big
    4: hyperparameters.batch: batch must be a whole number of at least 2, but 'big' came
batch: 64 => batch: null
    4: hyperparameters.batch: batch must be a whole number of at least 2, but None came
batch: 64 => batch: [64]
    4: hyperparameters.batch: expected a number, true or false or text, found a list
batch: 64 => beta1: .nan
    4: hyperparameters.beta1: expected a finite number, found .nan
batch: 64 => beta1: .inf
    4: hyperparameters.beta1: expected a finite number, found .inf
batch: 64 => generator_lr: 1e-3
    9: space.generator_lr: fixed under hyperparameters as well; give each name in one place
variant: gan\ndata: {name: ring8}\nhyperparameters: {batch: 64} => variant: pacgan\ndata: {name: ring8}\nhyperparameters: {batch: 6, packing: 4}
    4: hyperparameters: a batch of 6 samples cannot be cut into packs of 4; take a multiple

# Laws.
generator_lr: => penalty.weight:
    9: space.penalty.weight: gan does not read 'penalty.weight'; it reads READ_BY_GAN
[1e-4, 1e-2] => [1e-2, 1e-4]
    9: space.generator_lr.loguniform: expected [low, high] with low < high, found [0.01, 0.0001]
[1e-4, 1e-2] => [0, 1e-2]
    9: space.generator_lr.loguniform: expected bounds above 0, found [0, 0.01]
[1e-4, 1e-2] => [1e-4]
    9: space.generator_lr.loguniform: expected two bounds, [low, high], found 1
[1e-4, 1e-2] => [1e-4, high]
    9: space.generator_lr.loguniform.1: expected a number, found 'high'
[1e-4, 1e-2] => [1e-4, .inf]
    9: space.generator_lr.loguniform.1: expected a finite number, found .inf
loguniform: [1e-4, 1e-2] =>
    9: space.generator_lr: expected one of choice, uniform, loguniform, randint, found none
loguniform: [1e-4, 1e-2] => loguniform: [1e-4, 1e-2], choice: [1]
    9: space.generator_lr: expected one of choice, uniform, loguniform, randint, found choice and loguniform
loguniform => lognormal
    9: space.generator_lr.lognormal: unknown key (did you mean 'loguniform'?)
loguniform: [1e-4, 1e-2] => choice: []
    9: space.generator_lr.choice: expected at least one entry, found an empty list
loguniform: [1e-4, 1e-2] => choice: [1e-3, 0.001]
    9: space.generator_lr.choice.1: 0.001 stands twice; give each once
loguniform: [1e-4, 1e-2] => choice: [1e-3, -1]
    9: space.generator_lr.choice: generator_lr must be a finite number above 0, but -1 came
loguniform: [1e-4, 1e-2] => choice: [{a: 1}]
    9: space.generator_lr.choice.0: expected a number, true or false or text, found a mapping
{loguniform: [1e-4, 1e-2]} => 0.001
    9: space.generator_lr: expected a mapping, found 0.001
generator_lr: {loguniform: [1e-4, 1e-2]} => latent: {uniform: [2, 8]}
    9: space.latent.uniform: latent is a whole number; draw it by randint or choice
generator_lr: {loguniform: [1e-4, 1e-2]} => latent: {randint: [8, 8]}
    9: space.latent.randint: expected [low, high] with low < high, found [8, 8]
generator_lr: {loguniform: [1e-4, 1e-2]} => beta1: {uniform: [0, 1]}
    9: space.beta1.uniform: beta1 must be a finite number of at least 0 and below 1, but 1 came
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {loguniform: [1, 2]}
    9: space.variant.loguniform: expected a choice of variants
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {choice: [gan, wgan_pg]}
    9: space.variant.choice.1: no variant 'wgan_pg' (did you mean 'wgan_gp'?)
sampler: random => sampler: grid
    9: space.generator_lr.loguniform: sampler grid takes only choice; give values, or use sampler: random

# Conditions.
loguniform: [1e-4, 1e-2]} => loguniform: [1e-4, 1e-2], when: {widht: 8}}
    9: space.generator_lr.when.widht: 'widht' is not searched; `when` names another key of space
loguniform: [1e-4, 1e-2]} => loguniform: [1e-4, 1e-2], when: [width]}
    9: space.generator_lr.when: expected a mapping, found a list
generator_lr: {loguniform: [1e-4, 1e-2]} => generator_lr: {loguniform: [1e-4, 1e-2]}\n  latent: {choice: [8], when: {generator_lr: 1e-3}}
    10: space.latent.when.generator_lr: generator_lr is drawn from loguniform, which never hits a given value; give it a choice
generator_lr: {loguniform: [1e-4, 1e-2]} => width: {randint: [8, 16]}\n  latent: {choice: [8], when: {width: 16}}
    10: space.latent.when.width: width is never 16; it is a whole number from 8 to 15
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {choice: [gan, wgan_gp]}\n  penalty.weight: {choice: [1], when: {variant: r1gan}}
    10: space.penalty.weight.when.variant: variant is never 'r1gan'; it is one of gan, wgan_gp
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {choice: [gan, wgan_gp]}\n  penalty.weight: {choice: [1]}
    10: space.penalty.weight: gan does not read 'penalty.weight'; add when: {variant: [wgan_gp]}
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {choice: [gan, wgan_gp]}\n  penalty.weight: {choice: [1], when: {variant: []}}
    10: space.penalty.weight.when.variant: expected at least one entry, found an empty list
generator_lr: {loguniform: [1e-4, 1e-2]} => latent: {choice: [8, 16], when: {width: 8}}\n  width: {choice: [8, 16], when: {latent: 8}}
    9: space.latent.when: latent and width depend on each other; a `when` may not go in a circle
generator_lr: {loguniform: [1e-4, 1e-2]} => width: {choice: [8, 16], when: {width: 8}}
    9: space.width.when: width depends on itself; a `when` may not go in a circle
generator_lr: {loguniform: [1e-4, 1e-2]} => width: {choice: [8, 16]}\n  variant: {choice: [gan, wgan], when: {width: 8}}
    10: space.variant.when: every contender has a variant; leave `when` out
generator_lr: {loguniform: [1e-4, 1e-2]} => variant: {choice: [wgan_gp, r1gan]}\n  penalty.every: {choice: [1, 4], when: {variant: r1gan}}\n  penalty.weight: {choice: [1, 2], when: {penalty.every: 4, variant: wgan_gp}}
    11: space.penalty.weight.when: no variant meets these conditions, so penalty.weight is never drawn

# The search and its resources.
contenders: 2, =>
    10: search.contenders: sampler random needs to know how many; for example contenders: 8
contenders: 2 => contenders: 0
    10: search.contenders: expected at least 1, found 0
contenders: 2 => contenders: 1000000
    10: search.contenders: expected at most 10000, found 1000000
sampler: random => sampler: bohb
    10: search.sampler: expected 'random', 'grid' or 'tpe', found 'bohb'
sampler: random => scheduler: bohb
    10: search.scheduler: expected 'none', 'asha', 'hyperband', 'median' or 'pbt', found 'bohb'
sampler: random => scheduler: asha, population: {every: 1280}
    10: search.population: scheduler asha does not read it; pbt does
sampler: random => scheduler: pbt, population: {every: 1300}
    10: search.population.every: expected a multiple of the tick (1280), found 1300: slots meet at ticks
sampler: random => scheduler: pbt, population: {quantile: 0.6}
    10: search.population.quantile: expected at most 0.5, found 0.6
sampler: random => scheduler: pbt, population: {factors: [0.8, 0]}
    10: search.population.factors.1: expected a factor above 0, found 0.0
sampler: random => audit: 1.5
    10: search.audit: expected at most 1.0, found 1.5
sampler: random => audit: 0.2
    10: search.audit: scheduler none prunes nobody who could be audited; choose asha, hyperband or median
sampler: random => metric: kd
    10: search.metric: 'kd' is not evaluated; evaluation.metrics has fd, modes
sampler: random => metric: [fd, kd]
    10: search.metric.1: 'kd' is not evaluated; evaluation.metrics has fd, modes
sampler: random => metric: [seconds, fd]
    10: search.metric.0: seconds rank nobody; put a metric before it, for example metric: [fd, seconds]
sampler: random => metric: seconds
    10: search.metric: seconds rank nobody; put a metric before it, for example metric: [fd, seconds]
sampler: random => metric: [fd, fd]
    10: search.metric.1: fd stands twice; give each once
sampler: random => metric: []
    10: search.metric: expected at least one entry, found an empty list
sampler: random => metric: 5
    10: search.metric: expected text or a list, found 5
sampler: random => metric: [fd, seconds], scheduler: asha
    10: search.scheduler: asha prunes by one metric, and search.metric has 2; give one, or scheduler: none
contenders: 2, sampler: random => sampler: tpe
    10: search.contenders: sampler tpe needs to know how many; for example contenders: 8
sampler: random => grace: 5
    10: search.grace: expected between one tick (1280) and the budget (2560), found 5; give another search.grace, or leave it out for one tick
sampler: random => grace: 2561
    10: search.grace: expected between one tick (1280) and the budget (2560), found 2561; give another search.grace, or leave it out for one tick
sampler: random => confirm: {top: 1, seeds: [5, 1]}
    10: search.confirm.seeds.1: 1 is among the seeds of the search, which chose the best by it; confirm on others
sampler: random => confirm: all
    10: search.confirm: expected 'none' or a mapping, found 'all'
sampler: random => confirm: {top: 0, seeds: [5]}
    10: search.confirm.top: expected at least 1, found 0
sampler: random => confirm: {top: 3}
    10: search.confirm.seeds: this key is missing; it has no default
sampler: random => parallel: many
    10: search.parallel: expected 'auto' or an integer, found 'many'
cpus: 1 => cpus: 4096
    11: resources.cpus: one trial asks for 4096, but this machine has CPUS; ask for less
cpus: 1 => gpus: 1.5
    11: resources.gpus: expected a share of one GPU or a whole number of them, found 1.5
cpus: 1 => gpus: 512
    11: resources.gpus: one trial asks for 512, but this machine has GPUS; ask for less
cpus: 1 => cpus: .inf
    11: resources.cpus: expected a finite number, found .inf

# Judges and rules.
[fd, modes] => [coverge]
    7: evaluation.metrics.0: no metric 'coverge' (did you mean 'coverage'?)
samples: 100 => weights: nowhere.pth
    7: evaluation.weights: there is no file FOLDER/nowhere.pth; relative paths begin at the experiment file
[fd, modes] => [fd, fd]
    7: evaluation.metrics.1: fd stands twice; give each once
samples: 100 => extractor: lanet
    7: evaluation.extractor: no extractor 'lanet' (did you mean 'lenet'?)
[diverged] => [collapsed]
    12: stop.0: rule collapsed reads reverse_kl, or coverage and precision, but evaluation.metrics has only fd, modes; add it there
[diverged] => [diverged, diverges]
    12: stop.1: no stop rule 'diverges' (did you mean 'diverged'?); expected one of diverged, collapsed, plateaued
[diverged] => [diverged, {diverged: {}}]
    12: stop.1: diverged stands twice; give each once
[diverged] => diverged
    12: stop: expected a list, found 'diverged'
[diverged] => [{plateaued: null}]
    12: stop.0: expected a rule's name, or one rule with its settings such as {plateaued: {patience: 0.3}}
[diverged] => [{plateaued: {metric: kd}}]
    12: stop.0: rule plateaued reads kd, but evaluation.metrics has only fd, modes; add it there
[diverged] => [{plateaued: {patients: 0.3}}]
    12: stop.0: rule plateaued has no setting 'patients' (did you mean 'patience'?); it has metric, patience, grace
[diverged] => [{plateaued: {patience: long}}]
    12: stop.0: rule plateaued: expected patience as a number, found 'long'
[diverged] => [{plateaued: {grace: .nan}}]
    12: stop.0: rule plateaued: expected grace between 0 and 1, found nan

# Packs.
sampler: random => pack: 0
    10: search.pack: expected at least 1, found 0
sampler: random => pack: 1001
    10: search.pack: expected at most 1000, found 1001
sampler: random => pack: 1.5
    10: search.pack: expected an integer, found 1.5
sampler: random => pack: .nan
    10: search.pack: expected an integer, found .nan
sampler: random => pack: two
    10: search.pack: expected an integer, found 'two'
sampler: random => pack: [2]
    10: search.pack: expected an integer, found a list
sampler: random => pack: true
    10: search.pack: expected an integer, found true
sampler: random => pack: 2, scheduler: asha
    10: search.pack: a pack trains to its end as it was drawn, and asha decides about one contender at a time; use none, or leave it out
sampler: random => pack: 2, scheduler: pbt
    10: search.pack: a pack trains to its end as it was drawn, and pbt decides about one contender at a time; use none, or leave it out
sampler: random => pack: 2, sampler: tpe
    10: search.pack: a pack trains to its end as it was drawn, and tpe decides about one contender at a time; use random or grid, or leave it out

# Limits in seconds, audits, seeds, rungs.
sampler: random => seconds: 0
    10: search.seconds: expected more than 0, found 0
sampler: random => seconds: -1
    10: search.seconds: expected more than 0, found -1
sampler: random => seconds: .nan
    10: search.seconds: expected a finite number, found .nan
sampler: random => seconds: .inf
    10: search.seconds: expected a finite number, found .inf
sampler: random => seconds: '60'
    10: search.seconds: expected a number, found '60'
sampler: random => seconds: [60]
    10: search.seconds: expected a number, found a list
sampler: random => audit: -0.1
    10: search.audit: expected at least 0, found -0.1
sampler: random => audit: .nan
    10: search.audit: expected a finite number, found .nan
sampler: random => audit: [0.1]
    10: search.audit: expected a number, found a list
sampler: random => audit: a lot
    10: search.audit: expected a number, found 'a lot'
sampler: random => audit: null
    10: search.audit: expected a number, found nothing
sampler: random => audit: 0.1, scheduler: pbt
    10: search.audit: scheduler pbt prunes nobody who could be audited; choose asha, hyperband or median
sampler: random => seed: -1
    10: search.seed: expected at least 0, found -1
sampler: random => seed: 9223372036854775808
    10: search.seed: expected less than 9223372036854775808, found 9223372036854775808
sampler: random => seed: .nan
    10: search.seed: expected an integer, found .nan
sampler: random => grace: 1.5
    10: search.grace: expected an integer, found 1.5
sampler: random => grace: 99999999999999999999
    10: search.grace: expected less than 9223372036854775808, found 99999999999999999999
sampler: random => reduction: 1
    10: search.reduction: expected at least 2, found 1
sampler: random => reduction: 2.5
    10: search.reduction: expected an integer, found 2.5
sampler: random => reduction: 99999999999999999999
    10: search.reduction: expected at most 1000, found 99999999999999999999
sampler: random => parallel: 0
    10: search.parallel: expected 'auto' or at least 1, found 0
sampler: random => parallel: [2]
    10: search.parallel: expected 'auto' or an integer, found a list
sampler: random => parallel: 99999999999999999999
    10: search.parallel: expected 'auto' or less than 9223372036854775808, found 99999999999999999999

# Confirmations.
sampler: random => confirm: null
    10: search.confirm: expected 'none' or a mapping, found nothing
sampler: random => confirm: 3
    10: search.confirm: expected 'none' or a mapping, found 3
sampler: random => confirm: [5]
    10: search.confirm: expected 'none' or a mapping, found a list
sampler: random => confirm: {top: 1, seeds: []}
    10: search.confirm.seeds: expected at least one entry, found an empty list
sampler: random => confirm: {top: 1, seeds: 5}
    10: search.confirm.seeds: expected a list, found 5
sampler: random => confirm: {top: 1, seeds: [5, 5]}
    10: search.confirm.seeds.1: 5 stands twice; give each once
sampler: random => confirm: {top: 1, seeds: [-1]}
    10: search.confirm.seeds.0: expected at least 0, found -1
sampler: random => confirm: {top: 1, seeds: [.nan]}
    10: search.confirm.seeds.0: expected an integer, found .nan
sampler: random => confirm: {top: 1, seeds: [99999999999999999999]}
    10: search.confirm.seeds.0: expected less than 9223372036854775808, found 99999999999999999999
sampler: random => confirm: {top: 1.5, seeds: [5]}
    10: search.confirm.top: expected an integer, found 1.5
sampler: random => confirm: {top: 99999999999999999999, seeds: [5]}
    10: search.confirm.top: expected less than 9223372036854775808, found 99999999999999999999
sampler: random => confirm: {top: 1, seeds: [5], sead: 3}
    10: search.confirm.sead: unknown key (did you mean 'seeds'?)

# Populations.
sampler: random => scheduler: pbt, population: 5
    10: search.population: expected a mapping, found 5
sampler: random => scheduler: pbt, population: []
    10: search.population: expected a mapping, found an empty list
sampler: random => scheduler: pbt, population: {every: 0}
    10: search.population.every: expected at least 1, found 0
sampler: random => scheduler: pbt, population: {every: 1.5}
    10: search.population.every: expected an integer, found 1.5
sampler: random => scheduler: pbt, population: {every: [1280]}
    10: search.population.every: expected an integer, found a list
sampler: random => scheduler: pbt, population: {every: 2560}
    10: search.population.every: expected less than the budget (2560), found 2560: slots would never meet
sampler: random => scheduler: pbt, population: {every: 99999999999999999999}
    10: search.population.every: expected less than 9223372036854775808, found 99999999999999999999
sampler: random => scheduler: pbt, population: {evry: 1280}
    10: search.population.evry: unknown key (did you mean 'every'?)
sampler: random => scheduler: pbt, population: {quantile: 0}
    10: search.population.quantile: expected more than 0, found 0
sampler: random => scheduler: pbt, population: {quantile: .nan}
    10: search.population.quantile: expected a finite number, found .nan
sampler: random => scheduler: pbt, population: {quantile: [0.2]}
    10: search.population.quantile: expected a number, found a list
sampler: random => scheduler: pbt, population: {factors: []}
    10: search.population.factors: expected at least one entry, found an empty list
sampler: random => scheduler: pbt, population: {factors: 0.8}
    10: search.population.factors: expected a list, found 0.8
sampler: random => scheduler: pbt, population: {factors: [.nan]}
    10: search.population.factors.0: expected a finite number, found .nan
sampler: random => scheduler: pbt, population: {factors: [.inf]}
    10: search.population.factors.0: expected a finite number, found .inf
sampler: random => scheduler: pbt, population: {factors: [half]}
    10: search.population.factors.0: expected a number, found 'half'
sampler: random => scheduler: pbt, population: {factors: {down: 0.8}}
    10: search.population.factors: expected a list, found a mapping
sampler: random => scheduler: pbt, population: {resample: 2}
    10: search.population.resample: expected at most 1.0, found 2
sampler: random => scheduler: pbt, population: {resample: -1}
    10: search.population.resample: expected at least 0, found -1
sampler: random => scheduler: pbt, population: {resample: .nan}
    10: search.population.resample: expected a finite number, found .nan

# Objectives, and who goes with whom.
sampler: random => metric: {fd: 1}
    10: search.metric: expected text or a list, found a mapping
sampler: random => metric: true
    10: search.metric: expected text or a list, found true
sampler: random => metric: [[fd]]
    10: search.metric.0: expected text, found a list
sampler: random => metric: [1]
    10: search.metric.0: expected text, found 1; put it in quotes
sampler: random => metric: [fd, null]
    10: search.metric.1: expected text, found nothing
sampler: random => metric: ['']
    10: search.metric.0: expected text, found ''
sampler: random => metric: [fd, seconds, seconds]
    10: search.metric.2: seconds stands twice; give each once
sampler: random => metric: [fd, modes], scheduler: pbt
    10: search.scheduler: pbt prunes by one metric, and search.metric has 2; give one, or scheduler: none
sampler: random => metric: [fd, modes], scheduler: hyperband
    10: search.scheduler: hyperband prunes by one metric, and search.metric has 2; give one, or scheduler: none
sampler: random => metric: [fd, modes], scheduler: median
    10: search.scheduler: median prunes by one metric, and search.metric has 2; give one, or scheduler: none
sampler: random => sampler: tpe, scheduler: pbt
    10: search.scheduler: scheduler pbt compares all slots at once, and sampler tpe draws them one by one; choose sampler random or grid
sampler: random => sampler: [random]
    10: search.sampler: expected 'random', 'grid' or 'tpe', found a list
sampler: random => scheduler: {asha: 1}
    10: search.scheduler: expected 'none', 'asha', 'hyperband', 'median' or 'pbt', found a mapping
{contenders: 2, sampler: random} => null
    10: search: expected a mapping, found nothing
{contenders: 2, sampler: random} => []
    10: search: expected a mapping, found an empty list
{contenders: 2, sampler: random} => random
    10: search: expected a mapping, found 'random'

# Processes.
cpus: 1 => processes: 0
    11: resources.processes: expected at least 1, found 0
cpus: 1 => processes: 65
    11: resources.processes: expected at most 64, found 65
cpus: 1 => processes: 1.5
    11: resources.processes: expected an integer, found 1.5
cpus: 1 => processes: two
    11: resources.processes: expected an integer, found 'two'
cpus: 1 => processes: .nan
    11: resources.processes: expected an integer, found .nan
cpus: 1 => processes: [2]
    11: resources.processes: expected an integer, found a list
cpus: 1 => processes: 2, gpus: 1
    11: resources.processes: each has a GPU of its own; ask for gpus: 2, or for none
cpus: 1 => processes: 2, gpus: 0.5
    11: resources.processes: each has a GPU of its own; ask for gpus: 2, or for none
cpus: 1 => gpus: -1
    11: resources.gpus: expected at least 0, found -1
cpus: 1 => gpus: [1]
    11: resources.gpus: expected a number, found a list
cpus: 1 => cpus: 1, memory: 3
    11: resources.memory: unknown key; expected one of cpus, gpus, processes

# Baselines, trainers, and what a trainer's samples are.
stop: [diverged] => baselines: gmm
    12: baselines: expected a list, found 'gmm'
stop: [diverged] => baselines: [gmm, gmm]
    12: baselines.1: gmm stands twice; give each once
stop: [diverged] => baselines: [3]
    12: baselines.0: expected text, found 3; put it in quotes
stop: [diverged] => baselines: {gmm: 1}
    12: baselines: expected a list, found a mapping
stop: [diverged] => baselines: null
    12: baselines: expected a list, found nothing
variant: gan => trainer: 3
    2: trainer: expected text, found 3; put it in quotes
variant: gan => trainer: [os.path:join]
    2: trainer: expected text, found a list
variant: gan => trainer: x
    2: trainer: expected package.module:function, found 'x'
variant: gan => trainer: os.path:join:join
    2: trainer: expected package.module:function, found 'os.path:join:join'
variant: gan => trainer: os.path:join
    2: trainer: 'os.path:join' is Python code, and no installed package offers it as one of ganarena.trainers; read it, then give --trust-code (in Python: trust_code=True) to import it
variant: gan => variant: gan\ngenerator: {range: uint8}
    3: generator: goes with a trainer; a variant says itself what it draws from
variant: gan => trainer: os.path:join\ngenerator: 5
    3: generator: expected a mapping, found 5
variant: gan => trainer: os.path:join\ngenerator: {range: 0..2}
    3: generator.range: expected '-1..1', '0..1' or 'uint8', found '0..2'
variant: gan => trainer: os.path:join\ngenerator: {truncation: .nan}
    3: generator.truncation: expected a finite number, found .nan
variant: gan => trainer: os.path:join\ngenerator: {truncation: 0}
    3: generator.truncation: expected more than 0, found 0
variant: gan => trainer: os.path:join\ngenerator: {rnage: uint8}
    3: generator.rnage: unknown key (did you mean 'range'?)
variant: gan => trainer: os.path:join\ngenerator: {batch_norm: true}
    3: generator.batch_norm: expected 'running', 'batch' or 'none', found true

# Numbers and words of another kind.
stop: [diverged] => log_system_metrics: yes
    12: log_system_metrics: expected true or false, found 'yes'
stop: [diverged] => log_system_metrics: 1
    12: log_system_metrics: expected true or false, found 1
[0, 1] => [.nan]
    6: seeds.0: expected an integer, found .nan
[0, 1] => [true]
    6: seeds.0: expected an integer, found true
[0, 1] => [1e300]
    6: seeds.0: expected an integer, found 1e+300
[0, 1] => [9223372036854775808]
    6: seeds.0: expected less than 9223372036854775808, found 9223372036854775808
samples: 100 => samples: 1e3
    7: evaluation.samples: expected an integer, found 1000.0
samples: 100 => final_samples: 10000001
    7: evaluation.final_samples: expected at most 10000000, found 10000001
samples: 100 => final_samples: [100]
    7: evaluation.final_samples: expected an integer, found a list
samples: 100 => extractor: identity, weights: tiny.yaml
    7: evaluation.extractor: identity reads no weights, but FOLDER/tiny.yaml was given; leave it out, or name an extractor
ring8} => ring8, std: 1e300}
    3: data.std: expected at most 1000000.0, found 1e+300
ring8} => ring8, radius: true}
    3: data.radius: expected a number, found true
"""
STUDIES = r"""
budget: => variant: gan\nbudget:
    5: variant: goes with a search, but `study` makes this file a study; leave one of them out
budget: => search: {contenders: 3}\nbudget:
    5: search: goes with a search, but `study` makes this file a study; leave one of them out
budget: => stop: [diverged]\nbudget:
    5: stop: in a study rules observe and never act; leave this key out
  data: [ring8, grid25]\n =>
    2: study.data: this key is missing; it has no default
[gan, wgan] => []
    3: study.variants: expected at least one entry, found an empty list
[gan, wgan] => \n    - gan\n    - wagn
    5: study.variants.1: no variant 'wagn' (did you mean 'wgan'?)
[ring8, grid25] => \n    - ring8\n    - {name: gird25}
    6: study.data.1.name: no dataset 'gird25' (did you mean 'grid25'?)
[ring8, grid25] => [ring8, {name: ring8, std: 0.01}]
    4: study.data.1: ring8 stands twice; give each once
[ring8, grid25] => \n    - {name: ring8,\n       spacing: 2}
    6: study.data.0.spacing: ring8 does not read it; it reads radius, std
data: [ => protocol: pacgan\n  data: [
    4: study.protocol: expected 'arena', found 'pacgan'
budget: => hyperparameters: {penalty.weight: 1}\nbudget:
    5: hyperparameters.penalty.weight: gan does not read 'penalty.weight'; it reads READ_BY_GAN
"""
WORDS = {
    "\\n": "\n",
    "LONG": "x" * 201,
    "VARIANTS": ", ".join(gans.VARIANTS),
    "READ_BY_GAN": ", ".join(gans.hyperparameters(gans.variant("gan"))),
    "CPUS": str(machine.cpus()),
    "GPUS": str(machine.gpus()),
}

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)

# Broken or hostile YAML: the whole file, and what is said.
BROKEN = [
    ("tab", "budget:\n\timages: 3\n", ":2: not valid YAML: while scanning for the next token, found character '\\t' that cannot start any token; indent with spaces"),
    ("unclosed bracket", "name: x\nseeds: [0, 1\nstop: []\n", ":3: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':'; it began in line 2"),
    ("unclosed brace", "name: x\nbudget: {tick: 1\n", ":3: not valid YAML: while parsing a flow mapping, expected ',' or '}', but got '<stream end>'; it began in line 2"),
    ("unclosed quote", "name: 'x\n", ":2: not valid YAML: while scanning a quoted scalar, found unexpected end of stream; it began in line 1"),
    ("colon in text", "name: a: b\n", ":1: not valid YAML: mapping values are not allowed here; put text that holds a colon in quotes, and look at the indentation"),
    ("python tag", "name: !!python/object/apply:pathlib.Path.touch [pwned]\n", ":1: the tag !!python/object/apply:pathlib.Path.touch is refused; an experiment file holds plain values without tags"),
    ("own tag", "name: x\ndata: !secret {a: 1}\n", ":2: the tag !secret is refused; an experiment file holds plain values without tags"),
    ("tag of another kind", "name: !!float {a: 1}\n", ":1: the tag !!float is refused; an experiment file holds plain values without tags"),
    ("tag on a key", "!!str name: x\n", ":1: expected a name as key, found a tag"),
    ("exploding anchors", BOMB, ":1: expected at most 100,000 values, aliases included"),
    ("recursive alias", "name: x\ndata: &a\n  name: *a\n", ":3: the alias *a stands inside of what it repeats"),
    ("unknown alias", "name: *nobody\n", ":1: the alias *nobody repeats nothing; no anchor &nobody stands before it"),
    ("anchor given twice", "name: &a x\nvariant: &a gan\n", ":2: the anchor &a stands twice; give each name once"),
    ("two documents", f"{GOOD}---\n{GOOD}", ":13: expected one document, found a second"),
    ("older YAML", f"%YAML 1.1\n---\n{GOOD}", ":2: expected YAML 1.2, found the directive %YAML 1.1"),
    ("binary", bytes(range(256)), ":2: expected UTF-8 text, found byte 0x80"),
    ("invalid UTF-8", GOOD.replace("[diverged]", "[déjà]").encode("latin-1"), ":12: expected UTF-8 text, found byte 0xe9"),
    ("UTF-16", GOOD.encode("utf-16"), ":1: expected UTF-8 text, found byte 0xff"),
    ("NUL", f"{GOOD}\0", ":13: not valid YAML: found the control character U+0000"),
    ("impossible escape", 'name: "\\UFFFFFFFF"\n', ": not valid YAML: found an escape that is no character"),
    ("ten megabytes", "x" * 10_000_000, ": expected an experiment file of at most 100,000 bytes, found more"),
    ("deep lists", f"name: {'[' * 1000}{']' * 1000}\n", ":1: expected at most 16 levels of lists and mappings, found more"),
    ("deep mappings", "".join(f"{' ' * depth}a:\n" for depth in range(100)), ":18: expected at most 16 levels of lists and mappings, found more"),
    ("empty", "", ": expected keys such as `name:` and `budget:`, found nothing"),
    ("comment only", "# nothing\n", ": expected keys such as `name:` and `budget:`, found nothing"),
    ("list at top", "- name: x\n", ":1: expected keys such as `name:` and `budget:`, found a list"),
    ("text at top", "hello\n", ":1: expected keys such as `name:` and `budget:`, found 'hello'"),
    ("merge key", "a: &a {images: 3}\nbudget:\n  <<: *a\n", ":3: the merge key << is not part of YAML 1.2; write the keys out"),
    ("number as key", "name: x\n3: y\n", ":2: expected a name as key, found 3"),
    ("list as key", "? [a, b]\n: c\n", ":1: expected a name as key, found a list"),
    ("endless number", f"seed: {'9' * 5000}\n", ":1: expected a number that fits, found one of 5,000 digits"),
    ("key on two lines", '"a\\nb": 1\n', ":1: 'a\\nb': unknown key; expected one of name, hyperparameters, budget, seeds, evaluation, resources, stop, baselines, log_system_metrics, variant, trainer, generator, data, space, search; 3 more to mend"),
]  # fmt: skip


@pytest.fixture
def refused(ganarena, tmp_path):
    """Give a file to the command line, for good and as a dry run; return the sentence with which both refuse it."""
    file = tmp_path / "tiny.yaml"

    def run(content: str | bytes, *options: str, command: str = "search") -> str:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        there = sorted(tmp_path.iterdir())
        for how in ("--dry-run", "--json"):
            answer = ganarena(command, file.name, *options, how)
            assert answer.status == 2
            assert answer.out == ""
            assert answer.err.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == there
        return answer.err.strip()

    return run


def cases(table: str) -> list[tuple[str, str, str]]:
    """What is replaced, by what, and what is said of it."""
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    for word, meaning in WORDS.items():
        lines = [line.replace(word, meaning) for line in lines]
    changes = [line.removesuffix(" =>").partition(" => ") for line in lines[::2]]
    return [(old, new, line.strip()) for (old, _, new), line in zip(changes, lines[1::2], strict=True)]


def changed(good: str, old: str, new: str) -> str:
    assert old in good, f"{old!r} is not in the good file"
    return good.replace(old, new, 1)


def test_the_good_files_are_good(ganarena, tmp_path):
    for command, text in {"search": GOOD, "study": STUDY}.items():
        (tmp_path / "tiny.yaml").write_text(text)
        assert ganarena(command, "tiny.yaml", "--dry-run", "--json").document["experiment"] == "tiny"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "change",
    ["search.grace=1280", "search.grace=2560", "budget.tick=2560", "stop=[]", "data=ring8"],
)
def test_what_lies_at_a_limit_is_still_good(ganarena, tmp_path, change):
    (tmp_path / "tiny.yaml").write_text(GOOD)
    assert ganarena("search", "tiny.yaml", "--set", change, "--dry-run").status == 0


def test_a_grid_has_no_more_combinations_than_a_machine_can_bear_or_a_limit(ganarena, tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.config.checks.search.MOST_CONTENDERS", 6)
    (tmp_path / "tiny.yaml").write_text(GOOD)

    def asked(widths: list[int], search: str) -> str:
        space = f"space={{latent: {{choice: [4, 8]}}, width: {{choice: {widths}}}}}"
        return ganarena("search", "tiny.yaml", "--set", space, "--set", f"search={search}", "--dry-run").err

    assert asked([4, 8, 16], "{sampler: grid}") == ""
    assert asked([4, 8, 16, 32], "{sampler: grid, contenders: 3}") == ""
    assert asked([4, 8, 16, 32], "{sampler: grid}") == (
        "ganarena: --set space: the grid has more than 6 combinations;"
        " take fewer values, or set search.contenders as an upper limit\n"
    )


@pytest.mark.parametrize(("old", "new", "sentence"), cases(SEARCHES))
def test_a_malformed_search_is_refused_with_file_line_and_key(refused, tmp_path, old, new, sentence):
    assert refused(changed(GOOD, old, new)) == f"ganarena: tiny.yaml:{sentence.replace('FOLDER', str(tmp_path))}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("search.pack=2", "--set search.pack: a trainer trains one contender at a time; leave it out"),
        ("search.scheduler=pbt", "--set search.scheduler: scheduler pbt copies what our own loop saves; a trainer keeps its own"),
        ("variant=gan", "--set variant: goes with a variant, and trainer stands in place of one; leave one of them out"),
        ("generator={range: 0..1}", "--set generator: generator.range: points have no range, found '0..1'; leave it out"),
    ],
)  # fmt: skip
def test_a_trainer_is_refused_what_only_our_own_loop_can_do(refused, change, sentence):
    told = refused(changed(GOOD, "variant: gan", "trainer: os.path:join"), "--trust-code", "--set", change)
    assert told == f"ganarena: {sentence}"


@pytest.mark.parametrize(("old", "new", "sentence"), cases(STUDIES))
def test_a_malformed_study_is_refused_with_file_line_and_key(refused, old, new, sentence):
    assert refused(changed(STUDY, old, new), command="study") == f"ganarena: tiny.yaml:{sentence}"


@pytest.mark.parametrize(("content", "sentence"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_or_hostile_yaml_is_refused_and_runs_nothing(refused, content, sentence):
    assert refused(content) == f"ganarena: tiny.yaml{sentence}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("budget.images=many", "--set budget.images: expected an integer, found 'many'"),
        ("budget.tick=2561", "--set budget.tick: 2561 lies beyond the budget of 2560 images; lower the tick"),
        ("budget.images=128", "tiny.yaml:5: budget.tick: 1280 lies beyond the budget of 128 images; lower the tick"),
        ("budget={steps: 5, tick: 0}", "--set budget: budget.tick: expected at least 1, found 0"),
        ("budgte.images=5", "--set budgte.images: budgte: unknown key (did you mean 'budget'?)"),
        ("seeds=[1, 1]", "--set seeds: seeds.1: 1 stands twice; give each once"),
        ("seeds.0=1", "--set seeds.0: seeds holds a list, which has no key '0'"),
        ("hyperparameters.beta1=2", "--set hyperparameters.beta1: beta1 must be a finite number of at least 0 and below 1, but 2 came"),
        ("space.generator_lr.loguniform=[1, 0]", "--set space.generator_lr.loguniform: expected [low, high] with low < high, found [1, 0]"),
        ("space.generator_lr.choice=[1]", "tiny.yaml:9: space.generator_lr: expected one of choice, uniform, loguniform, randint, found choice and loguniform"),
        ("resources.cpus=4096", "--set resources.cpus: one trial asks for 4096, but this machine has CPUS; ask for less"),
        ("name=", "--set name: expected text, found nothing"),
        ("name=[", "--set name: not valid YAML: while parsing a flow node, expected the node content, but found '<stream end>'"),
        ("name=!!python/name:os.system x", "--set name: the tag !!python/name:os.system is refused; an experiment file holds plain values without tags"),
        ("name=x\n--- y", "--set name: expected one document, found a second"),
        ("name", "--set name: expected KEY=VALUE, for example --set budget.images=6400"),
        ("=3", "--set =3: expected KEY=VALUE, for example --set budget.images=6400"),
        ("budget..images=3", "--set budget..images=3: expected KEY=VALUE, for example --set budget.images=6400"),
    ],
)  # fmt: skip
def test_a_wrong_change_on_the_command_line_is_refused_by_its_key(refused, change, sentence):
    assert refused(GOOD, "--set", change) == f"ganarena: {sentence.replace('CPUS', WORDS['CPUS'])}"


@pytest.mark.parametrize(
    ("file", "reason"), [("nowhere.yaml", "No such file or directory"), (".", "Is a directory"), ("a/b", "No such file or directory")]
)  # fmt: skip
def test_a_file_that_is_none_is_refused(ganarena, tmp_path, file, reason):
    for command in ("search", "study"):
        answer = ganarena(command, file)
        assert (answer.status, answer.out) == (2, "")
        assert (
            answer.err.removeprefix("ganarena: ").strip()
            == f"{file}: cannot be read ({reason}); give the path of a YAML file"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("variant: gan", "variant: dcgan", "tiny.yaml:2: variant: dcgan cannot learn ring8: convolutions need images"),
        (
            "space:",
            "space:\n  variant: {choice: [gan, dcgan]}",
            "tiny.yaml:9: space.variant.choice.1: dcgan cannot learn ring8",
        ),
        ("samples: 100", "extractor: lenet", "tiny.yaml:7: evaluation.extractor: lenet cannot judge ring8"),
        (
            "[fd, modes]",
            "[fd, is]",
            "tiny.yaml:7: evaluation.metrics.1: 'is' needs class logits, which identity does not give",
        ),
        ("{name: ring8}", "{npz: tiny.npz}", "tiny.npz cannot be read as an .npz file of plain arrays"),
        ("{name: ring8}", "{name: mnist}", "tiny.yaml:3: data: data 'mnist' were expected"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_before_anything_starts(refused, tmp_path, old, new, said):
    (tmp_path / "tiny.npz").write_bytes(b"nothing")
    assert said in refused(changed(GOOD, old, new))


def test_a_study_tells_which_of_its_variants_cannot_learn_which_data(refused):
    told = refused(changed(STUDY, "[gan, wgan]", "[gan, dcgan]"), command="study")
    assert "tiny.yaml:3: study.variants.1: dcgan cannot learn ring8" in told


@pytest.mark.parametrize(("command", "other", "text"), [("search", "study", STUDY), ("study", "search", GOOD)])
def test_a_file_of_the_other_kind_names_its_command(refused, command, other, text):
    assert refused(text, command=command).endswith(f"run it by `ganarena {other} tiny.yaml`")
