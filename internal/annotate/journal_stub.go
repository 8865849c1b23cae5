package annotate

type recordKind uint8

const (
	recordStep recordKind = iota + 1
	recordUndo
	recordRedo
	recordSaved
)

type record struct {
	kind recordKind
	step step
}

// Journal x.
type Journal struct{}

func (j *Journal) append(r record) {}
