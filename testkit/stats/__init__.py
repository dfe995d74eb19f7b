"""Numbers without plumbing: numpy and scipy in, frozen results out.

No input or output, no clock, no randomness that is not an argument. Errors come from
:mod:`testkit.errors`; nothing else of ours is imported here. Import from the module that answers
the question; this package offers no names of its own.

Planned looks at a list that ends
    :mod:`~testkit.stats.spending`          how much error may be gone by when
    :mod:`~testkit.stats.boundaries`        bounds at the looks, chance to cross them
    :mod:`~testkit.stats.classic`           Pocock, O'Brien-Fleming, Wang-Tsiatis, Haybittle-Peto
    :mod:`~testkit.stats.futility`          give up early, or stop for harm, below
    :mod:`~testkit.stats.conditional`       power of what is left
    :mod:`~testkit.stats.inference`         p, interval, estimate: after the stop, and before
    :mod:`~testkit.stats.stagewise_rates`   the same in points, on the decision's side of 0
    :mod:`~testkit.stats.sizing`            how large, and what to expect
    :mod:`~testkit.stats.engine_choice`     z or exact, and why

Rare outcomes and unequal arms
    :mod:`~testkit.stats.exact`             critical counts; power and error by enumeration
    :mod:`~testkit.stats.exact_inference`   estimate and interval after the stop
    :mod:`~testkit.stats.exact_repeated`    interval and sequential p while it runs
    :mod:`~testkit.stats.exact_look`        one look from counts per wave: the door for a product
    :mod:`~testkit.stats.exact_power`       power before the totals are known
    :mod:`~testkit.stats.exact_table`       Fisher's test of one table, or of many
    :mod:`~testkit.stats.exact_binomial`    one rate against a known one, at one look or many

No last look
    :mod:`~testkit.stats.open_look`         one look from counts or money: the door for a product
    :mod:`~testkit.stats.eprocess`          rates: evidence after every conversion
    :mod:`~testkit.stats.safe2x2`           rates: arm sizes fixed per wave
    :mod:`~testkit.stats.confseq`           means and regressions: intervals at all looks together
    :mod:`~testkit.stats.betting`           bounded outcomes such as survey scales
    :mod:`~testkit.stats.mixtures`          the boundaries under them

One look at the effect
    :mod:`~testkit.stats.counts`            the checked 2x2 table
    :mod:`~testkit.stats.effects`           difference of rates, Miettinen-Nurminen interval
    :mod:`~testkit.stats.intervals`         one rate, ratio of rates, lift
    :mod:`~testkit.stats.odds`              odds ratios
    :mod:`~testkit.stats.moments`           n, mean and spread of an arm, to merge
    :mod:`~testkit.stats.means`             money, minutes, actions per person
    :mod:`~testkit.stats.ratios`            lift of means, ratio metrics
    :mod:`~testkit.stats.adjust`            sharper by covariates or strata
    :mod:`~testkit.stats.regression`        the same from rows, with honest errors
    :mod:`~testkit.stats.clusters`          whole chapters or offices were assigned

May the effect be read at all?
    :mod:`~testkit.stats.srm`               shares as planned
    :mod:`~testkit.stats.balance`           covariates balanced, nobody in two arms
    :mod:`~testkit.stats.guardrails`        harm early, "no worse" only where it could be seen

Several questions at once
    :mod:`~testkit.stats.multiplicity`      adjusted p-values, Dunnett, e-BH
    :mod:`~testkit.stats.gatekeeping`       error passed on from primary to secondary goals
    :mod:`~testkit.stats.segments`          do segments differ, and by how much; no hunting
    :mod:`~testkit.stats.homogeneity`       the tests under it
    :mod:`~testkit.stats.partial_pooling`   effects of a few groups, drawn towards each other

Planning and learning
    :mod:`~testkit.stats.power`             n, power and smallest effect for rates
    :mod:`~testkit.stats.power_means`       the same for means
    :mod:`~testkit.stats.reach`             what a list of this size can and cannot learn
    :mod:`~testkit.stats.roll`              how large a test when the better arm gets the rest
    :mod:`~testkit.stats.posterior`         which arm is best, what a wrong choice costs
    :mod:`~testkit.stats.meta`              the same kind of test, pooled
    :mod:`~testkit.stats.shrink`            past effects without the winner's curse; the next one
    :mod:`~testkit.stats.past_effects`      tests of unlike base rates on one scale
    :mod:`~testkit.stats.surrogate`         do clicks stand for calls?
    :mod:`~testkit.stats.returns`           cost per action, return on spend
    :mod:`~testkit.stats.simulate`          what a plan does when it is run ten thousand times

Underneath
    :mod:`~testkit.stats.recursion`, :mod:`~testkit.stats.walk`,
    :mod:`~testkit.stats.hypergeometric`, :mod:`~testkit.stats.roots`,
    :mod:`~testkit.stats.domain`
"""
