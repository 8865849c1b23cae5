package dataset

import (
	"strconv"
	"strings"
	"unicode"

	"bayeslice/internal/modelcard"
)

// Classes of the models.
const (
	background = "background"
	classTZ    = "TZ"
	classPZ    = "PZ"
	classCSPCa = "csPCa"
	gland      = "whole gland" // no class: what TZ and PZ are parts of
)

// classNames returns the classes of a task in the model's order; nil for an unknown task.
func classNames(task modelcard.Task) []string {
	switch task {
	case modelcard.Anatomy:
		return []string{background, classTZ, classPZ}
	case modelcard.Diagnosis:
		return []string{background, classCSPCa}
	}
	return nil
}

// plainName leaves the letters and digits of a name, in lower case.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// roleAliases are names of channels, as plainName leaves them.
var roleAliases = map[string]string{
	"t2": "T2W", "t2w": "T2W", "t2wi": "T2W", "t2tra": "T2W", "t2ax": "T2W", "t2axial": "T2W", "axt2": "T2W", "t2tsetra": "T2W",
	"t2weighted": "T2W", "t2wmri": "T2W", "t2mri": "T2W", "mrt2": "T2W", "mrt2w": "T2W", "mrit2": "T2W", "mrit2w": "T2W",
	"adc": "ADC", "adcmap": "ADC", "mradc": "ADC", "mriadc": "ADC", "apparentdiffusioncoefficient": "ADC",
	"hbv": "HBV", "highb": "HBV", "highbvalue": "HBV", "highbdwi": "HBV", "dwihighb": "HBV", "hbdwi": "HBV", "dwi": "HBV",
	"mrdwi": "HBV", "mrhbv": "HBV", "mridwi": "HBV", "mrihbv": "HBV", "diffusion": "HBV", "cdwi": "HBV", "calculatedhighb": "HBV",
}

// highBAtLeast is the smallest b-value in s/mm² that is high.
const highBAtLeast = 800

// roleOf returns the role, T2W, HBV or ADC, that a channel's name means; "" where it means none.
func roleOf(name string) string {
	plain := plainName(name)
	if role, ok := roleAliases[plain]; ok {
		return role
	}
	digits := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(plain, "c"), "dwi"), "b")
	if digits == plain || !strings.Contains(plain, "b") {
		return ""
	}
	if b, err := strconv.Atoi(digits); err == nil && b >= highBAtLeast && b <= 5000 {
		return "HBV"
	}
	return ""
}

// classAliases are names of labels, as plainName leaves them.
var classAliases = map[string]string{
	"background": background, "bg": background,
	"tz": classTZ, "transition": classTZ, "transitionzone": classTZ, "transitionalzone": classTZ, "centralgland": classTZ, "cg": classTZ,
	"prostatetz": classTZ, "pz": classPZ, "peripheral": classPZ, "peripheralzone": classPZ, "prostatepz": classPZ,
	"cspca": classCSPCa, "pca": classCSPCa, "cancer": classCSPCa, "prostatecancer": classCSPCa, "lesion": classCSPCa, "lesions": classCSPCa,
	"tumor": classCSPCa, "tumour": classCSPCa, "csc": classCSPCa, "clinicallysignificantcancer": classCSPCa,
	"clinicallysignificantprostatecancer": classCSPCa, "significantcancer": classCSPCa,
	"wg": gland, "wp": gland, "gland": gland, "wholegland": gland, "prostate": gland, "wholeprostate": gland, "prostategland": gland,
}

// classOf returns the class, or the whole gland, that a label's name means; "" where it means none. ISUP
// grades (grade groups) from 2 are csPCa, and grade 1 is not.
func classOf(name string) string {
	plain := plainName(name)
	if class, ok := classAliases[plain]; ok {
		return class
	}
	for _, prefix := range []string{"isup", "isupgrade", "gradegroup", "ggg", "gg"} {
		grade, err := strconv.Atoi(strings.TrimPrefix(plain, prefix))
		switch {
		case err != nil || !strings.HasPrefix(plain, prefix):
			continue
		case grade >= 2 && grade <= 5:
			return classCSPCa
		case grade == 1:
			return background
		}
	}
	return ""
}
