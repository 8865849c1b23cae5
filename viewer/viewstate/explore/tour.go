package explore

import (
	"bayeslice/internal/calibrate"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// Page is a part of the panel.
type Page uint8

// Pages, in the order in which they stand.
const (
	DiagramPage Page = iota
	SamplesPage
	VoxelPage
	QuizPage
)

// Step is one stop of the guided tour: what it is about, where to look, and what the window is set to for it.
type Step struct {
	Title, Text, Look lang.Text
	Page              Page
	Layer             viewstate.Layer
	Contours          viewstate.Contours
	Settings          Settings
	Browse            bool // single samples are drawn
}

// tour is short: a step for each idea of the panel. The layout of all of them is Compare.
var tour = [...]Step{
	{
		Title: lang.Mark("One slice, four losses"),
		Text: lang.Mark("Each picture shows the same slice under a network of the same shape that was trained with another loss: cross entropy (CE), " +
			"balanced cross entropy (BCE), focal loss (FL), Dice and boundary loss (DB). Press Compare if they have not run yet."),
		Look: lang.Mark("The white line is the reference. Where do the coloured lines leave it, and do they leave it together?"),
		Page: DiagramPage, Contours: viewstate.Bands, Settings: DefaultSettings(),
	},
	{
		Title: lang.Mark("Bands instead of a line"),
		Text: lang.Mark("The three lines of a class are where its mean probability is 10, 50 and 90 %. Lines that lie together mean a sure model, " +
			"lines far apart an unsure one. Sure is not the same as right."),
		Look: lang.Mark("Compare the width of the bands of FL and DB at the base and the apex of the gland."),
		Page: DiagramPage, Contours: viewstate.Bands, Settings: DefaultSettings(),
	},
	{
		Title: lang.Mark("The histogram below each picture"),
		Text: lang.Mark("It counts the voxels of the predicted segment by their probability, as Figure 3 of the paper does. All at 1 is a model that never " +
			"doubts; a broad hill is one that keeps its doubt."),
		Look: lang.Mark("Which loss pushes its probabilities to the right edge? Keep that in mind for the next step."),
		Page: DiagramPage, Layer: viewstate.Probability, Contours: viewstate.Outlines, Settings: DefaultSettings(),
	},
	{
		Title: lang.Mark("Do probabilities mean what they say?"),
		Text: lang.Mark("Of the voxels that a model gives 70 %, seven in ten should lie in the structure. The diagram shows for each stated probability how often it " +
			"came true: on the diagonal is calibrated, below it over-confident, above it under-confident."),
		Look: lang.Mark("Click a column: its voxels light up in every picture, blue where the structure is there, orange where it is not."),
		Page: DiagramPage, Contours: viewstate.Outlines, Settings: DefaultSettings(),
	},
	{
		Title: lang.Mark("The region decides what you see"),
		Text: lang.Mark("Over the whole image nearly every voxel is background, of which every model is sure. It hides the errors at the edge of the gland: " +
			"ECE looks far better there."),
		Look: lang.Mark("Change the region back to near the gland and watch ECE rise while the picture stays the same."),
		Page: DiagramPage, Contours: viewstate.Outlines, Settings: Settings{Region: calibrate.Whole, Temperature: 1, Threshold: 0.5},
	},
	{
		Title: lang.Mark("Temperature"),
		Text: lang.Mark("Dividing the logarithms by a temperature above 1 makes a model less sure, below 1 surer, without moving the most probable class of any voxel. " +
			"“Fit” finds the one with the least NLL, for this exam only."),
		Look: lang.Mark("The bands widen or narrow, but each model’s curve comes nearer to the diagonal. Which one was furthest off?"),
		Page: DiagramPage, Contours: viewstate.Bands, Settings: Settings{Temperature: 1, Threshold: 0.5, Fitted: true},
	},
	{
		Title: lang.Mark("A decision needs a threshold"),
		Text: lang.Mark("Drawing one outline is a decision. A low threshold finds more of the structure and takes in more of what is not; Dice, volume, sensitivity and precision " +
			"follow the slider."),
		Look: lang.Mark("Move the threshold: the yellow line moves, the diagram does not. Calibration is about probabilities, not about outlines."),
		Page: DiagramPage, Contours: viewstate.Outlines, Settings: Settings{Temperature: 1, Threshold: 0.3},
	},
	{
		Title: lang.Mark("Plausible contours"),
		Text: lang.Mark("Every sample is one answer that the Bayesian network finds possible. Step through them or let them play; sorted by volume they go from the smallest gland to the " +
			"largest."),
		Look: lang.Mark("Where the line jumps from sample to sample, the model does not know. Do all losses jump in the same place?"),
		Page: SamplesPage, Contours: viewstate.Outlines, Settings: DefaultSettings(), Browse: true,
	},
	{
		Title: lang.Mark("Now you"),
		Text: lang.Mark("Click a voxel under Voxel to see what every sample of every model says there. Then try the quiz: state how sure you are, from 0 to 100 %, and see your own curve " +
			"beside those of the models."),
		Look: lang.Mark("Nobody is on the diagonal at first. Are you over- or under-confident?"),
		Page: QuizPage, Contours: viewstate.Outlines, Settings: DefaultSettings(),
	},
}

// TourLength is the number of steps of the tour.
const TourLength = len(tour)

// TourStep returns the present step of the tour and its number, counted from 1; ok is false where no tour is taken.
func (x *Explore) TourStep() (s Step, number int, ok bool) {
	if x.step < 0 {
		return Step{}, 0, false
	}
	return tour[x.step], x.step + 1, true
}

// GoToTour shows a step of the tour, counted from 1, and sets the window to what it is about; beyond its ends the tour is over.
func (x *Explore) GoToTour(number int) {
	if number < 1 || number > TourLength {
		x.step = -1
		x.tell()
		return
	}
	x.step = number - 1
	step := tour[x.step]
	x.quiz = quiz{}
	x.s.Update(func() {
		x.s.SetLayout(viewstate.Compare)
		x.s.SetLayer(step.Layer)
		x.s.SetContours(step.Contours)
		x.bin = -1
		x.Set(step.Settings)
		x.Browse(step.Browse)
	})
}
