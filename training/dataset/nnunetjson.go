package dataset

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/modelcard"
)

// maxDatasetJSON bounds dataset.json, in bytes; one that lists ten thousand cases has 3 MB.
const maxDatasetJSON = 64 << 20

// nnunetJSON is what dataset.json says that matters here. nnU-Net v2 has channel_names, labels by name and
// file_ending; v1 has modality, labels by value and always .nii.gz.
type nnunetJSON struct {
	Channels map[int]string   // by the number in file names
	Labels   map[string][]int // values by name; a region of v2 has several
	Ending   string
	Cases    map[string]nnunetCase // v2, optional: files that lie elsewhere
}

// nnunetCase lists the files of one case, relative to the folder of dataset.json.
type nnunetCase struct {
	Images []string `json:"images"`
	Label  string   `json:"label"`
}

// parseNNUNet reads dataset.json. It fails with [ErrData].
func parseNNUNet(data []byte) (nnunetJSON, error) {
	var raw struct {
		Channels map[string]string          `json:"channel_names"`
		Modality map[string]string          `json:"modality"`
		Labels   map[string]json.RawMessage `json:"labels"`
		Ending   string                     `json:"file_ending"`
		Cases    map[string]nnunetCase      `json:"dataset"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nnunetJSON{}, fmt.Errorf("%w: dataset.json is not as nnU-Net writes it (%w); correct it, or give the folder of an nnU-Net raw dataset", ErrData, err)
	}
	out := nnunetJSON{Channels: map[int]string{}, Labels: map[string][]int{}, Ending: ".nii.gz", Cases: raw.Cases}
	if raw.Ending != "" {
		out.Ending = raw.Ending
	}
	if !slices.Contains(imageEndings, out.Ending) {
		return out, fmt.Errorf("%w: dataset.json has files that end in %q, and only %s are read; convert the images to NIfTI", ErrData, out.Ending, some(imageEndings))
	}
	names := raw.Channels
	if len(names) == 0 {
		names = raw.Modality
	}
	for key, name := range names {
		n, err := strconv.Atoi(key)
		if err != nil || n < 0 || n > 9999 {
			return out, fmt.Errorf("%w: dataset.json has the channel number %q; correct it to 0, 1, …", ErrData, key)
		}
		out.Channels[n] = name
	}
	if len(out.Channels) == 0 || len(raw.Labels) == 0 {
		return out, fmt.Errorf("%w: dataset.json names no channels (channel_names) or no labels; add both, as nnU-Net wants them", ErrData)
	}
	for key, value := range raw.Labels {
		if err := out.addLabel(key, value); err != nil {
			return out, err
		}
	}
	return out, nil
}

// addLabel reads one entry of labels: "TZ": 1 and "gland": [1, 2] of v2, "1": "TZ" of v1.
func (j *nnunetJSON) addLabel(key string, value json.RawMessage) error {
	bad := fmt.Errorf("%w: dataset.json has the label %q: %.40s; correct it to a whole number from 0 to 255, or a list of them", ErrData, key, value)
	var name string
	var number int
	numbers := []int{}
	switch {
	case json.Unmarshal(value, &name) == nil:
		n, err := strconv.Atoi(key)
		if err != nil {
			if n, err = strconv.Atoi(name); err != nil { // "TZ": "1"
				return bad
			}
			name = key
		}
		numbers = append(numbers, n)
	case json.Unmarshal(value, &number) == nil:
		name, numbers = key, append(numbers, number)
	case json.Unmarshal(value, &numbers) == nil:
		name = key
	default:
		return bad
	}
	for _, n := range numbers {
		if n < 0 || n > 255 {
			return bad
		}
	}
	j.Labels[name] = append(j.Labels[name], numbers...)
	return nil
}

// channelRoles returns the file number of each role that the recipe needs.
func (j *nnunetJSON) channelRoles(o *Options) (map[string]int, error) {
	out := map[string]int{}
	var known []string
	for _, n := range slices.Sorted(maps.Keys(j.Channels)) {
		name := j.Channels[n]
		known = append(known, strconv.Quote(name))
		role, ok := o.Channels[name]
		if !ok {
			role = roleOf(name)
		}
		if role == "" {
			continue
		}
		if other, twice := out[role]; twice {
			return nil, fmt.Errorf("%w: dataset.json has two channels for %s, %q and %q; say with a channel mapping which is meant, and give the other the role none",
				ErrData, role, j.Channels[other], name)
		}
		if role != roleNone {
			out[role] = n
		}
	}
	for name := range o.Channels {
		if !slices.Contains(slices.Collect(maps.Values(j.Channels)), name) {
			return nil, fmt.Errorf("%w: the channel mapping names %q, but dataset.json has %s; correct the mapping", ErrData, name, some(known))
		}
	}
	for _, c := range o.Recipe.Channels {
		if _, ok := out[c.Role]; !ok {
			return nil, fmt.Errorf("%w: none of the channels %s in dataset.json is understood as %s, which the model needs; name it with a channel mapping such as %s=%s",
				ErrData, some(known), c.Role, j.Channels[slices.Min(slices.Collect(maps.Keys(j.Channels)))], c.Role)
		}
	}
	return out, nil
}

// table returns the class of each label value: by the names, or what the user says of them. Of several
// regions that hold a value, a zone or cancer decides before the whole gland; the gland without one of its
// zones is the other zone.
func (j *nnunetJSON) table(o *Options) (classTable, error) {
	t := newTable("dataset.json does not name or says to ignore; correct the label file, or dataset.json")
	meaning := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(j.Labels)) {
		class, err := j.meaning(o, name)
		if err != nil {
			return t, err
		}
		meaning[name] = class
	}
	for name := range o.Classes {
		if _, ok := j.Labels[name]; !ok {
			return t, fmt.Errorf("%w: the class mapping names %q, but dataset.json has the labels %s; correct the mapping", ErrData, name, some(slices.Sorted(maps.Keys(j.Labels))))
		}
	}
	at := map[int][]string{} // classes by value
	for name, values := range j.Labels {
		for _, v := range values {
			at[v] = append(at[v], meaning[name])
		}
	}
	has := map[string]bool{}
	for v, classes := range at {
		class, err := o.decide(classes, slices.Collect(maps.Values(meaning)))
		if err != nil {
			return t, fmt.Errorf("%w: label value %d in dataset.json %w", ErrData, v, err)
		}
		if class == ignored {
			continue
		}
		t.class[v] = uint8(slices.Index(classNames(o.Task), class))
		has[class] = true
	}
	for _, class := range classNames(o.Task)[1:] {
		if !has[class] {
			return t, fmt.Errorf("%w: none of the labels %s in dataset.json is understood as %s; name it with a class mapping such as %s=%s",
				ErrData, some(slices.Sorted(maps.Keys(j.Labels))), class, slices.Sorted(maps.Keys(j.Labels))[0], class)
		}
	}
	return t, nil
}

const (
	ignored  = "ignore" // nnU-Net's label of voxels without a truth
	roleNone = "none"   // of a channel that is not used
)

// meaning returns the class, gland or ignored, of one label's name.
func (j *nnunetJSON) meaning(o *Options, name string) (string, error) {
	if class, ok := o.Classes[name]; ok {
		index, err := o.classIndex(class)
		if err != nil {
			return "", err
		}
		return classNames(o.Task)[index], nil
	}
	class := classOf(name)
	if strings.EqualFold(name, ignored) {
		class = ignored
	}
	if o.Task == modelcard.Diagnosis && (class == classTZ || class == classPZ || class == gland) {
		class = background // where there is no cancer, healthy tissue is background
	}
	if class == "" || class == classCSPCa && o.Task == modelcard.Anatomy {
		return "", fmt.Errorf("%w: the label %q in dataset.json is none of %s; name its class with a class mapping such as %s=%s",
			ErrData, name, some(classNames(o.Task)), name, classNames(o.Task)[1])
	}
	return class, nil
}

// decide returns the class of a value from the classes of the regions that hold it; all are those of every
// label. The error is a clause.
func (o *Options) decide(classes, all []string) (string, error) {
	found := ""
	for _, class := range classes {
		switch {
		case class == gland || class == background || class == found:
		case found == "":
			found = class
		default:
			return "", fmt.Errorf("is both %s and %s; correct it", found, class)
		}
	}
	switch {
	case found != "":
		return found, nil
	case !slices.Contains(classes, gland):
		return background, nil
	case slices.Contains(all, classPZ) && !slices.Contains(all, classTZ):
		return classTZ, nil
	case slices.Contains(all, classTZ) && !slices.Contains(all, classPZ):
		return classPZ, nil
	}
	return "", fmt.Errorf("is gland without a zone, and the model needs zones; name its class with a class mapping")
}
