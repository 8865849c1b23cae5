package findings

import (
	"strings"

	"bayeslice/internal/modelcard"
	"bayeslice/training/loss"
)

// Margins: differences that count as none. Those of the Dice come from the paper's own words: it calls 81 to 89 similar and
// 70 against that worse, so that 8 points separate the two, and it calls what differs by up to 4 points of hard Dice marginal.
const (
	softDiceMargin    = 0.08
	hardDiceMargin    = 0.04
	aurocMargin       = 0.05 // the paper's similar values differ by 0.02; bands of a few hundred patients are wider
	sensitivityMargin = 0.05
	areaMargin        = 0.12 // a twentieth of the most there can be, 2.4
	shareMargin       = 0.05 // of voxels
	relativeMargin    = 0.05 // of NLL, calibration error and entropy, whose size depends on the field of view
)

// Claim is a finding of the paper with what tests it.
type Claim struct {
	ID    string // a letter
	Title string
	Quote string // the paper's words
	Paper string // its figures, "" where it gives none in words
	Tests []Test
}

// Test is one difference: the mean of a figure over some losses less its mean over others.
type Test struct {
	Task   modelcard.Task
	Figure string // as [evaluate.FigureTest] names it
	Of     []loss.Kind
	Less   []loss.Kind
	Rule   Rule
	Paper  string // the paper's difference, where it gives one
}

// Difference names the losses: "FL less mean of CE, BCE".
func (t Test) Difference() string { return mean(t.Of) + " less " + mean(t.Less) }

func mean(k []loss.Kind) string {
	var names []string
	for _, l := range k {
		names = append(names, string(l))
	}
	if len(names) == 1 {
		return names[0]
	}
	return "mean of " + strings.Join(names, ", ")
}

func of(k ...loss.Kind) []loss.Kind { return k }

var (
	tasks = []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis}
	zones = []string{"WG", "TZ", "PZ"}
)

// Claims are the paper's findings, in its order. They depend on nothing.
func Claims() []Claim {
	return []Claim{calibrated(), focalCalibrated("b", "NLL"), focalCalibrated("b′", "ECE"), softSimilar(), softWorse(), hardMarginal(),
		sameDiagnosis(), moreLesions(), focalLesions(), balancedSame(), focalEntropy(), polarised()}
}

func calibrated() Claim {
	c := Claim{ID: "a", Title: "CE, BCE and FL are better calibrated than DB",
		Quote: "We find that distribution-based loss functions (CE, BCE, FL) produce implicitly well calibrated predictions, in comparison to DB", Paper: "Figure 2 a, b; no figure in words"}
	for _, task := range tasks {
		for _, l := range of(loss.CE, loss.BCE, loss.FL) {
			c.Tests = append(c.Tests, Test{Task: task, Figure: "NLL", Of: of(l), Less: of(loss.DB), Rule: Rule{Below, relativeMargin, true}})
		}
	}
	return c
}

func focalCalibrated(id, figure string) Claim {
	c := Claim{ID: id, Title: "FL is the best calibrated of them, by " + figure, Quote: "Among them, FL exhibits notably better calibration.", Paper: "Figure 2 a, b; no figure in words"}
	if figure == "ECE" {
		c.Paper = "the paper measures NLL alone; this is the calibration error in ten bins"
	}
	for _, task := range tasks {
		for _, l := range of(loss.CE, loss.BCE) {
			c.Tests = append(c.Tests, Test{Task: task, Figure: figure, Of: of(loss.FL), Less: of(l), Rule: Rule{Below, relativeMargin, true}})
		}
	}
	return c
}

func softSimilar() Claim {
	c := Claim{ID: "c", Title: "CE, BCE and DB reach a similar soft Dice",
		Quote: "while CE, BCE and DB achieve similar segmentation quality with respect to raw softmax predictions ({WG: 81-89; TZ: 82-85; PZ: 71-74} mean DSC)", Paper: "WG 81–89, TZ 82–85, PZ 71–74"}
	for _, z := range zones {
		for _, pair := range [][2]loss.Kind{{loss.BCE, loss.CE}, {loss.DB, loss.CE}, {loss.DB, loss.BCE}} {
			c.Tests = append(c.Tests, Test{Task: modelcard.Anatomy, Figure: z + " soft Dice", Of: of(pair[0]), Less: of(pair[1]), Rule: Rule{Similar, softDiceMargin, false}})
		}
	}
	return c
}

func softWorse() Claim {
	c := Claim{ID: "c′", Title: "FL reaches a worse soft Dice", Quote: "FL performs worse ({WG: 70; TZ: 64; PZ: 50} mean DSC).", Paper: "WG 70, TZ 64, PZ 50"}
	paper := []string{"−0.11 to −0.19", "−0.18 to −0.21", "−0.21 to −0.24"} // its figure less the others' ends
	for n, z := range zones {
		c.Tests = append(c.Tests, Test{Task: modelcard.Anatomy, Figure: z + " soft Dice", Of: of(loss.FL), Less: of(loss.CE, loss.BCE, loss.DB), Rule: Rule{Below, softDiceMargin, false}, Paper: paper[n]})
	}
	return c
}

func hardMarginal() Claim {
	c := Claim{ID: "d", Title: "FL's hard Dice is only marginally lower",
		Quote: "When considering binarized argmax(softmax) predictions, […] overall FL performance is only marginally lower than that of CE, BCE and DB ({WG: 88-90; TZ: 84-86; PZ: 72-76} mean DSC).", Paper: "WG 88–90, TZ 84–86, PZ 72–76"}
	for _, z := range zones {
		c.Tests = append(c.Tests, Test{Task: modelcard.Anatomy, Figure: z + " hard Dice", Of: of(loss.FL), Less: of(loss.CE, loss.BCE, loss.DB), Rule: Rule{BarelyBelow, hardDiceMargin, false}})
	}
	return c
}

func sameDiagnosis() Claim {
	c := Claim{ID: "e", Title: "All losses are similar in diagnosis of patients", Quote: "all loss functions are similar in patient-level diagnosis (76-78 mean AUROC)", Paper: "AUROC 76–78"}
	all := of(loss.CE, loss.BCE, loss.FL, loss.DB)
	for i, first := range all {
		for _, second := range all[i+1:] {
			c.Tests = append(c.Tests, Test{Task: modelcard.Diagnosis, Figure: "AUROC", Of: of(second), Less: of(first), Rule: Rule{Similar, aurocMargin, false}})
		}
	}
	return c
}

// detection are the two figures of lesion detection.
func detection(group, less []loss.Kind, paper ...string) []Test {
	out := []Test{{Task: modelcard.Diagnosis, Figure: "maximum sensitivity", Of: group, Less: less, Rule: Rule{Above, sensitivityMargin, false}},
		{Task: modelcard.Diagnosis, Figure: "partial area under FROC", Of: group, Less: less, Rule: Rule{Above, areaMargin, false}}}
	for n, p := range paper {
		out[n].Paper = p
	}
	return out
}

func moreLesions() Claim {
	return Claim{ID: "f", Title: "CE, BCE and FL find more lesions than DB",
		Quote: "distribution-based loss functions, especially FL, perform substantially better than region/boundary-based losses (DB) at lesion detection (with an average increase of 15.7%. in maximum detection sensitivity and 0.25 in partial area under FROC between 0.1-2.5 false positives per patient).",
		Paper: "+15.7 % maximum sensitivity, +0.25 partial area", Tests: detection(of(loss.CE, loss.BCE, loss.FL), of(loss.DB), "+0.157", "+0.25")}
}

func focalLesions() Claim {
	return Claim{ID: "f′", Title: "FL finds the most lesions", Quote: "distribution-based loss functions, especially FL, perform substantially better […] at lesion detection", Paper: "Figure 2 f; no figure in words",
		Tests: append(detection(of(loss.FL), of(loss.CE, loss.BCE)), detection(of(loss.FL), of(loss.DB))...)}
}

func balancedSame() Claim {
	c := Claim{ID: "g", Title: "BCE is near-identical to CE", Quote: "note BCE performs near-identical to CE, if not worse, across both tasks", Paper: "no figure in words"}
	add := func(task modelcard.Task, figure string, r Rule) {
		c.Tests = append(c.Tests, Test{Task: task, Figure: figure, Of: of(loss.BCE), Less: of(loss.CE), Rule: r})
	}
	for _, z := range zones {
		add(modelcard.Anatomy, z+" hard Dice", Rule{Similar, hardDiceMargin, false})
	}
	add(modelcard.Diagnosis, "AUROC", Rule{Similar, aurocMargin, false})
	add(modelcard.Diagnosis, "maximum sensitivity", Rule{Similar, sensitivityMargin, false})
	add(modelcard.Diagnosis, "partial area under FROC", Rule{Similar, areaMargin, false})
	return c
}

func focalEntropy() Claim {
	return Claim{ID: "h", Title: "FL is less sure near borders", Quote: "We attribute this decline in FL performance to its high predictive uncertainty near class boundaries (as seen in Appendix A)", Paper: "Figure 3; no figure in words",
		Tests: []Test{{Task: modelcard.Anatomy, Figure: "entropy near borders (nats)", Of: of(loss.FL), Less: of(loss.CE, loss.BCE, loss.DB), Rule: Rule{Above, relativeMargin, true}}}}
}

func polarised() Claim {
	c := Claim{ID: "i", Title: "DB's predictions are polarised", Quote: "its miscalibration (refer to Fig. 2 (a, b)) or polarized predictions (refer to Appendix A), translate to a relatively flat FROC curve with lower maximum detection sensitivity", Paper: "Figure 3; no figure in words"}
	add := func(task modelcard.Task, structure string) {
		c.Tests = append(c.Tests, Test{Task: task, Figure: structure + " polarised share", Of: of(loss.DB), Less: of(loss.CE, loss.BCE, loss.FL), Rule: Rule{Above, shareMargin, false}})
	}
	add(modelcard.Anatomy, "TZ")
	add(modelcard.Anatomy, "PZ")
	add(modelcard.Diagnosis, "csPCa")
	return c
}
