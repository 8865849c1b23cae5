package exam

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// isImageFile reports whether a name is that of a NIfTI or MetaImage header.
func isImageFile(name string) bool {
	lower := strings.ToLower(path.Base(name))
	for _, ext := range []string{".nii", ".nii.gz", ".mha", ".mhd"} {
		if strings.HasSuffix(lower, ext) {
			return true
		}
	}
	return false
}

// isCompanion reports whether a name is that of the voxels of a MetaImage header.
func isCompanion(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, ".raw") || strings.HasSuffix(lower, ".zraw")
}

func (op *opener) files(context.Context, []string) (*Exam, error) {
	return nil, fmt.Errorf("%w: NIfTI and MetaImage are not read by this build", ErrUnreadable)
}

func (op *opener) imageFiles(ctx context.Context, _ place, images []string) (*Exam, error) {
	return op.files(ctx, images)
}

func (op *opener) addLabels(context.Context, *Exam, place, []string) error { return nil }
