package prep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/tensor"
	"bayeslice/internal/volume"
)

// Sentinels of [Recipe.Apply]; their texts end in what to do next. A recipe that cannot be followed
// by any exam is [ErrRecipe].
var (
	// ErrMissingRole: the exam has no series for one of the recipe's channels.
	ErrMissingRole = errors.New("prep: the exam lacks a series that the model needs")
	// ErrGeometry: an image covers less than [MinCoverage] of the model's grid.
	ErrGeometry = errors.New("prep: an image does not cover the model's grid")
	// ErrIntensity: the values of an image cannot be normalised.
	ErrIntensity = errors.New("prep: image values cannot be normalised")
	// ErrUnits: the ADC map's unit is not known, so that its values mean nothing to the model.
	ErrUnits = errors.New("prep: unknown unit of the ADC map")
)

// Codes of the issues that [Recipe.Apply] raises.
const (
	IssueOutside   = "grid-outside"      // part of the model's grid lies outside an image
	IssueNonFinite = "non-finite-voxels" // an image holds voxels that are no numbers
	IssueUnits     = "adc-units"         // the ADC map was converted to 10⁻⁶ mm²/s
	IssueMoved     = "moved"             // an image was displaced because the reader asked for it
	IssueNotAxial  = "not-axial"         // the slices of the T2W image are further than MaxTilt from axial
)

const (
	// MinCoverage is the share of the model's grid that every image must cover: an image of 50 × 50 × 45 mm,
	// about the smallest that holds a prostate, covers 29 % of the paper's grid of 80 × 80 × 60 mm.
	MinCoverage = 0.25
	// NoteOutside is the share outside an image up to which [IssueOutside] is a note; above it is a warning.
	NoteOutside = 0.15
	// WarnOutside is the share outside an image up to which [IssueOutside] is a warning; above it is severe.
	WarnOutside = 0.5
	// MaxTilt is the angle in degrees between slice axis and head-foot axis up to which a stack counts as
	// axial; the prostate exams this program was made with reach 23.3°.
	MaxTilt = 35.0
)

// Options changes what [Recipe.Apply] does. The zero value centres the model's grid on the T2W image.
type Options struct {
	// Centre is the point, world LPS mm, about which the model's grid is placed; nil takes the middle
	// of the T2W image.
	Centre *geom.Vec3
	// Moves displaces images before they are resampled, by exam.Series.ID, world LPS mm: a correction for motion
	// between series. T2W cannot be moved, since the others are moved against it.
	Moves map[string]geom.Vec3
}

// Moved is an image that was displaced before it was resampled; see [Options].Moves.
type Moved struct {
	Role   string    `json:"role"`
	Series string    `json:"series"` // exam.Series.ID
	MM     geom.Vec3 `json:"mmLPS"`  // world LPS mm
}

// Scaling is the normalisation that was applied to a channel: value → (value − Shift) / Scale.
type Scaling struct {
	Role     string  `json:"role"`
	Series   string  `json:"series"` // exam.Series.ID
	Shift    float64 `json:"shift"`
	Scale    float64 `json:"scale"`
	Unit     string  `json:"unit,omitempty"` // of Shift and Scale; "" for arbitrary MR intensity
	Outside  float64 `json:"outside"`        // share of the model's grid outside the image, 0…1
	Resample string  `json:"resample"`       // interpolation
}

// Prepared is a model's input and where it lies in the patient. Immutable.
type Prepared struct {
	Input   *tensor.Tensor // float32 [1, C, D, H, W]
	Grid    geom.Grid      // of the input's voxels; the axes are those of the T2W image, in anatomical order
	Issues  []exam.Issue   // what preparation found; the exam's own issues are not repeated
	Outside []float64      // per channel: share of Grid outside the image, filled with the background
	Scaling []Scaling      // per channel
	Moved   []Moved        // images that were displaced, in the order of the channels; nil for none
}

// Apply resamples the exam onto the model's grid and normalises it. Images are read by cubic
// B-splines at the world position of each voxel centre, so that series with other grids and other
// tilts fall in place. Voxels outside an image get the normalised background (0 for [ZScore], the
// value of intensity 0 for [Linear]); how many is declared in Prepared.Outside and as an issue, and
// is an [ErrGeometry] where less than [MinCoverage] is inside. It fails with [ErrRecipe], [ErrMissingRole],
// [ErrGeometry], [ErrIntensity], [ErrUnits], or ctx's error.
func (r Recipe) Apply(ctx context.Context, e *exam.Exam, o Options) (*Prepared, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	reference := e.Chosen(exam.T2W)
	if reference == nil {
		return nil, missingRole(exam.T2W)
	}
	grid, err := r.Grid(reference.Volume.Grid(), o.Centre)
	if err != nil {
		return nil, err
	}
	n := grid.Voxels()
	p := &Prepared{Grid: grid, Issues: notAxial(reference), Moved: r.Moved(e, o.Moves), Input: tensor.NewFloat32(1, len(r.Channels), grid.Size[2], grid.Size[1], grid.Size[0])}
	for c, channel := range r.Channels {
		s := e.Chosen(channel.ExamRole())
		if s == nil {
			return nil, missingRole(channel.ExamRole())
		}
		source, err := p.move(channel, s, reference)
		if err != nil {
			return nil, err
		}
		if err := p.addChannel(ctx, channel, source, reference, p.Input.F32[c*n:(c+1)*n]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Grid returns the model's grid on an exam: the axes of the T2W grid in anatomical order
// ([geom.Grid.Anatomical]), however the file stores them, the recipe's spacing and size, and the middle
// at centre (world LPS mm), or at the middle of the T2W grid where centre is nil. Along an axis on which both spacings agree within 0.1 % the grid is moved by at most
// half a voxel so that voxel centres coincide: this is a crop then, and nothing is interpolated.
// It fails with [ErrRecipe] or, for a centre that is not finite, [ErrGeometry].
func (r Recipe) Grid(t2w geom.Grid, centre *geom.Vec3) (geom.Grid, error) {
	if err := r.Validate(); err != nil {
		return geom.Grid{}, err
	}
	t2w = t2w.Anatomical()
	middle := t2w.Centre()
	if centre != nil {
		middle = *centre
	}
	if !middle.Finite() {
		return geom.Grid{}, fmt.Errorf("%w: the centre %v is not a point", ErrGeometry, middle)
	}
	start := t2w.Voxel(middle) // of the model's voxel (0, 0, 0), in voxels of the T2W grid
	for a := range 3 {
		ratio := r.SpacingMM[a] / t2w.Spacing[a]
		start[a] -= float64(r.Size[a]-1) / 2 * ratio
		if math.Abs(ratio-1) < 1e-3 {
			start[a] = math.Floor(start[a] + 0.5)
		}
	}
	grid, err := geom.NewGrid(r.Size, t2w.World(start), r.SpacingMM, t2w.Dir)
	if err != nil {
		return geom.Grid{}, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	return grid, nil
}

// notAxial raises the issue of a T2W image that is not a stack of axial slices. The slice axis is the one
// with the largest spacing, the last one where spacings are equal.
func notAxial(t2w *exam.Series) []exam.Issue {
	g := t2w.Volume.Grid()
	slice := 2
	for a, spacing := range g.Spacing {
		if spacing > 1.01*g.Spacing[slice] {
			slice = a
		}
	}
	tilt := math.Acos(min(1, math.Abs(g.Dir[slice][2]))) * 180 / math.Pi
	if tilt <= MaxTilt {
		return nil
	}
	return []exam.Issue{{Code: IssueNotAxial, Severity: exam.Severe, Series: t2w.ID,
		Text: fmt.Sprintf("The slices of the T2W image (series %s) are tilted %.0f° from axial, and the models are made for axial slices; choose the axial series for T2W.", t2w.ID, tilt)}}
}

// Moved lists the images of a recipe's channels that are displaced, as [Options].Moves says by exam.Series.ID; nil for none.
func (r Recipe) Moved(e *exam.Exam, moves map[string]geom.Vec3) []Moved {
	var out []Moved
	for _, c := range r.Channels {
		if s := e.Chosen(c.ExamRole()); s != nil && moves[s.ID] != (geom.Vec3{}) {
			out = append(out, Moved{Role: c.Role, Series: s.ID, MM: moves[s.ID]})
		}
	}
	return out
}

// move displaces the image of a channel, as far as that is asked for, and declares it.
func (p *Prepared) move(c Channel, s, reference *exam.Series) (*exam.Series, error) {
	at := slices.IndexFunc(p.Moved, func(m Moved) bool { return m.Series == s.ID })
	if at < 0 {
		return s, nil
	}
	by := p.Moved[at].MM
	switch {
	case s == reference:
		return nil, fmt.Errorf("%w: the T2W image cannot be moved; move the other images against it", ErrGeometry)
	case !by.Finite():
		return nil, fmt.Errorf("%w: an offset of %v for the %s image is not a distance", ErrGeometry, by, c.ExamRole())
	}
	moved := *s
	moved.Volume = s.Volume.MovedBy(by)
	p.Issues = append(p.Issues, exam.Issue{Code: IssueMoved, Severity: exam.Note, Series: s.ID,
		Text: fmt.Sprintf("The %s image was moved by %.1f mm (%s) before the network saw it, as the reader asked.", c.ExamRole(), by.Norm(), sides(by))})
	return &moved, nil
}

// sides writes an offset (world LPS mm) along the patient's sides.
func sides(by geom.Vec3) string {
	names := [3][2]string{{"right", "left"}, {"front", "back"}, {"feet", "head"}}
	var parts []string
	for a, mm := range by {
		if math.Abs(mm) >= 0.05 {
			to := names[a][0]
			if mm > 0 {
				to = names[a][1]
			}
			parts = append(parts, fmt.Sprintf("%.1f mm to the %s", math.Abs(mm), to))
		}
	}
	return strings.Join(parts, ", ")
}

// addChannel resamples and normalises one series into out.
func (p *Prepared) addChannel(ctx context.Context, c Channel, s, reference *exam.Series, out []float32) error {
	source, err := p.finite(s, c)
	if err != nil {
		return err
	}
	on, err := volume.Resample(ctx, source, p.Grid, volume.Spline, float32(math.NaN()))
	if err != nil {
		return fmt.Errorf("prep: resample %s: %w", c.Role, err)
	}
	outside := 0
	for _, v := range on.Data() {
		if v != v {
			outside++
		}
	}
	share := float64(outside) / float64(len(out))
	if err := p.judgeCoverage(c, s, reference, share); err != nil {
		return err
	}
	scaling, err := p.scaling(c, s, on.Data())
	if err != nil {
		return err
	}
	scaling.Outside = share
	normalise(c, scaling, on.Data(), out)
	p.Outside = append(p.Outside, share)
	p.Scaling = append(p.Scaling, scaling)
	return nil
}

// finite returns the series' image with voxels that are no numbers set to 0, which is declared.
func (p *Prepared) finite(s *exam.Series, c Channel) (*volume.Volume, error) {
	bad := 0
	for _, v := range s.Volume.Data() {
		if !isFinite(v) {
			bad++
		}
	}
	total := len(s.Volume.Data())
	switch bad {
	case 0:
		return s.Volume, nil
	case total:
		return nil, fmt.Errorf("%w: no voxel of %s (series %s) is a number; choose another series for %s", ErrIntensity, s.Description, s.ID, c.ExamRole())
	}
	data := slices.Clone(s.Volume.Data())
	for i, v := range data {
		if !isFinite(v) {
			data[i] = 0
		}
	}
	p.Issues = append(p.Issues, exam.Issue{Code: IssueNonFinite, Severity: exam.Warning, Series: s.ID,
		Text: fmt.Sprintf("%d of %d voxels of the %s image are not numbers; they were taken as 0 for the model.", bad, total, c.ExamRole())})
	return volume.New(s.Volume.Grid(), data, s.Volume.Unit())
}

func isFinite(v float32) bool { return v-v == 0 }

// judgeCoverage raises the issue of a grid that an image covers in part, or the error.
func (p *Prepared) judgeCoverage(c Channel, s, reference *exam.Series, outside float64) error {
	if outside == 0 {
		return nil
	}
	role := c.ExamRole()
	if 1-outside < MinCoverage {
		what := fmt.Sprintf("the %s image (series %s) covers %.0f %% of the model's grid of %s", role, s.ID, 100*(1-outside), extent(p.Grid))
		if s.FrameOfReference != reference.FrameOfReference {
			return fmt.Errorf("%w: %s, and its frame of reference is not that of the T2W image; choose a series of the same examination for %s", ErrGeometry, what, role)
		}
		return fmt.Errorf("%w: %s; give another centre, choose another series for %s, or use a model with a smaller grid", ErrGeometry, what, role)
	}
	severity := exam.Note
	if outside > NoteOutside {
		severity = exam.Warning
	}
	if outside > WarnOutside {
		severity = exam.Severe
	}
	p.Issues = append(p.Issues, exam.Issue{Code: IssueOutside, Severity: severity, Series: s.ID,
		Text: fmt.Sprintf("%.1f %% of the model's grid lies outside the %s image and was filled with background; results there are not based on data.", 100*outside, role)})
	return nil
}

// extent writes a grid's outer size in mm.
func extent(g geom.Grid) string {
	return fmt.Sprintf("%.0f × %.0f × %.0f mm", float64(g.Size[0])*g.Spacing[0], float64(g.Size[1])*g.Spacing[1], float64(g.Size[2])*g.Spacing[2])
}

func missingRole(r exam.Role) error {
	remedy := map[exam.Role]string{
		exam.T2W:   "open the folder that holds the axial T2-weighted series, or choose one for T2W",
		exam.ADC:   "add the ADC series to the folder, choose one for ADC, or use an anatomy model, which needs T2W alone",
		exam.HighB: "add the diffusion series to the folder, choose one for the high b-value, or use an anatomy model, which needs T2W alone",
	}[r]
	return fmt.Errorf("%w: %s; %s", ErrMissingRole, r, remedy)
}

// ApplyMask reads a label mask on the model's grid by nearest neighbour; voxels outside it are 0.
func (p *Prepared) ApplyMask(ctx context.Context, m *volume.Mask) (*volume.Mask, error) {
	on, err := volume.ResampleMask(ctx, m, p.Grid)
	if err != nil {
		return nil, fmt.Errorf("prep: resample mask: %w", err)
	}
	return on, nil
}
