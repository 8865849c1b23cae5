package dicomout

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	lib "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
)

// Derived is what segmentations and structure sets say about where they come from. Without Identity a file is de-identified by the
// Basic Profile of PS3.15 annex E: no name, ID, birth date, sex, date or number of the patient or study; what has to be there is a
// dummy. UIDs of the source are kept (Retain UIDs Option), so that the file can be laid over its images, unless NewUIDs is
// set. The same content gives the same bytes and UIDs; with Identity also the same Created.
type Derived struct {
	Key         string        // hash of the exam: UIDs that replace others, or that a source without any lacks, are made of it
	Name        string        // stands for the patient's name and ID, such as "study-1a2b3c4d"
	Origin      *dicom.Origin // series that it was made on; nil where that was no DICOM: then the file has a study of its own
	Identity    bool          // patient and study as the source names them, so that an archive can match them
	NewUIDs     bool          // replace the UIDs of the source; not with Identity
	Description string        // SeriesDescription
	Statement   string        // for people: research use
	Model       string        // of the equipment: the program
	Version     string        // of the program
	Number      int           // SeriesNumber
	Created     time.Time     // written with Identity
}

// dummy date and time of files that must have one and may not tell when.
const (
	dummyDate = "19000101"
	dummyTime = "000000"
)

// maker is the Manufacturer of what this program makes.
const maker = "Bayeslice"

// uid returns a UID of the source as it is written.
func (d Derived) uid(original string) string {
	if d.NewUIDs && !d.Identity {
		return UID(d.Key, "replaced", original)
	}
	return original
}

// study and frameOfReference are those of the source, or new ones.
func (d Derived) study() string {
	if d.Origin == nil {
		return UID(d.Key, "study")
	}
	return d.uid(d.Origin.Study)
}

func (d Derived) frameOfReference() string {
	if d.Origin == nil || d.Origin.FrameOfReference == "" {
		return UID(d.Key, "frame of reference")
	}
	return d.uid(d.Origin.FrameOfReference)
}

// moment returns the date and time that are written.
func (d Derived) moment() (date, clock string) {
	if d.Identity && !d.Created.IsZero() {
		return d.Created.Format("20060102"), d.Created.Format("150405")
	}
	return dummyDate, dummyTime
}

// elements adds patient, study, series and equipment.
func (d Derived) elements(s *set, class, modality string) {
	s.file(class)
	d.patient(s)
	s.text(tag.Modality, modality)
	s.text(tag.SeriesNumber, strconv.Itoa(d.Number))
	s.text(tag.SeriesDescription, clip(d.Description, 64))
	s.text(tag.Manufacturer, maker)
	s.text(tag.ManufacturerModelName, clip(d.Model, 64))
	s.text(tag.DeviceSerialNumber, "1")
	s.text(tag.SoftwareVersions, clip(d.Version, 64))
	s.text(tag.StudyInstanceUID, d.study())
}

// patient adds who it is, or that this was removed.
func (d Derived) patient(s *set) {
	if d.Identity && d.Origin != nil {
		i := d.Origin.Identity
		s.text(tag.PatientName, i.PatientName)
		s.text(tag.PatientID, i.PatientID)
		s.text(tag.PatientBirthDate, i.BirthDate)
		s.text(tag.PatientSex, i.Sex)
		s.text(tag.StudyDate, i.StudyDate)
		s.text(tag.StudyTime, i.StudyTime)
		s.text(tag.StudyID, i.StudyID)
		s.text(tag.AccessionNumber, i.Accession)
		s.text(tag.ReferringPhysicianName)
		return
	}
	for _, t := range []tag.Tag{tag.PatientBirthDate, tag.PatientSex, tag.StudyDate, tag.StudyTime, tag.StudyID, tag.AccessionNumber, tag.ReferringPhysicianName} {
		s.text(t)
	}
	s.text(tag.PatientName, d.Name)
	s.text(tag.PatientID, d.Name)
	s.text(tag.PatientIdentityRemoved, "YES")
	s.text(tag.DeidentificationMethod, "DICOM PS3.15 Basic Profile, "+maker)
	s.code(tag.DeidentificationMethodCodeSequence, dicomcode.Deidentification(d.Origin != nil && !d.NewUIDs)...)
	s.text(tag.LongitudinalTemporalInformationModified, "REMOVED")
}

// clip shortens a text to what its VR holds, and takes out what separates values.
func clip(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r == '\\' || r < ' ' {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.TrimSpace(text))
	return strings.TrimSpace(string(runes[:min(len(runes), most)]))
}

// imagesOf returns the source image of every slice of a grid; nil where it has none. A slice has the image that lies within a tenth of
// the slices' distance of it.
func (d Derived) imagesOf(g geom.Grid) []*dicom.ImageRef {
	out := make([]*dicom.ImageRef, g.Size[2])
	if d.Origin == nil {
		return out
	}
	normal := g.Normal()
	for n := range d.Origin.Images {
		ref := &d.Origin.Images[n]
		for k := range out {
			at := g.World(geom.Vec3{0, 0, float64(k)})
			if math.Abs(ref.Position.Sub(at).Dot(normal)) < g.Spacing[2]/10 {
				out[k] = ref
			}
		}
	}
	return out
}

// reference is an item that names a source image.
func (d Derived) reference(ref *dicom.ImageRef) *set {
	s := &set{}
	s.text(tag.ReferencedSOPClassUID, ref.Class)
	s.text(tag.ReferencedSOPInstanceUID, d.uid(ref.Instance))
	if ref.Frame > 0 {
		s.text(tag.ReferencedFrameNumber, strconv.Itoa(ref.Frame))
	}
	return s
}

// instances are items that name the instances behind images, each once.
func (d Derived) instances(images []*dicom.ImageRef) []*set {
	var out []*set
	seen := map[string]bool{}
	for _, ref := range images {
		if ref == nil || seen[ref.Instance] {
			continue
		}
		seen[ref.Instance] = true
		out = append(out, d.reference(&dicom.ImageRef{Class: ref.Class, Instance: ref.Instance}))
	}
	return out
}

// write writes a data set under UIDs that are a hash of it, so that equal content has equal UIDs.
func write(path, kind string, s *set) error {
	elements, err := s.done()
	if err != nil {
		return err
	}
	digest := sha256.New()
	if err := encodeTo(digest, elements, "2.25.0", "2.25.0"); err != nil {
		return err
	}
	content := string(digest.Sum(nil))
	return codec.WriteFile(path, func(w io.Writer) error {
		return encodeTo(w, elements, UID(kind, "instance", content), UID(kind, "series", content))
	})
}

// encodeTo writes a data set with its own two UIDs.
func encodeTo(w io.Writer, elements []*lib.Element, instance, series string) error {
	own := &set{}
	own.text(tag.MediaStorageSOPInstanceUID, instance)
	own.text(tag.SOPInstanceUID, instance)
	own.text(tag.SeriesInstanceUID, series)
	if err := lib.Write(w, lib.Dataset{Elements: sorted(elements, own.elements)}); err != nil {
		return fmt.Errorf("dicomout: %w", err)
	}
	return nil
}
