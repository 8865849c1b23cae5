// Package findings says of each finding of the paper whether it repeats in a study's own results.
//
// The findings, the statistic that tests each, the size of difference that counts as none, and the rule by which a band
// becomes a verdict are fixed in this package, in [Claims], and in docs/evaluation.md; they were written before any study
// had a result. What a study can add is data, and nothing here reads data to choose a rule.
//
// Every statistic is a difference of one figure between losses, on the observations that all of them have, with its 95 %
// band by patient ([evaluate.Contrast]). Bands are not corrected for their number; a claim of several parts needs all of them, so
// that chance makes a claim harder and not easier to repeat. The package is pure.
package findings
