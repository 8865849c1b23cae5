package report

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/imageio/rtstruct"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// conforms fails where dicom3tools finds an error in a DICOM object; without dicom3tools it says nothing.
func conforms(t *testing.T, path string) {
	t.Helper()
	tool, err := exec.LookPath("dciodvfy")
	if err != nil {
		t.Log("dciodvfy (Debian package dicom3tools) is not on this machine: conformance is not checked")
		return
	}
	out, err := exec.Command(tool, path).CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") {
			t.Errorf("%s: %s", filepath.Base(path), line)
		}
	}
}

func TestAResultHoldsTheDICOMObjectsThatWereAskedFor(t *testing.T) {
	for task, want := range map[modelcard.Task][]string{
		modelcard.Anatomy:   {contoursName, probabilitySEG, zonesSEG},
		modelcard.Diagnosis: {contoursName, cancerSEG, lesionsSEG, probabilitySEG},
	} {
		s := newScene(t, task)
		dir := t.TempDir()
		o := Options{SEG: true, RTStruct: true, Program: "Bayeslice test"}
		if err := Write(t.Context(), dir, s.exam, s.prediction, o); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "*.dcm"))
		if err != nil || len(found) != len(want) {
			t.Fatalf("%s: %q, %v", task, found, err)
		}
		result, err := os.ReadFile(filepath.Join(dir, ResultFile))
		if err != nil {
			t.Fatal(err)
		}
		for n, path := range found {
			if filepath.Base(path) != want[n] || !bytes.Contains(result, []byte(want[n])) {
				t.Errorf("%s: %s, want %s, in result.json too", task, path, want[n])
			}
			conforms(t, path)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range secrets {
				if bytes.Contains(data, []byte(word)) {
					t.Errorf("%s holds %q", want[n], word)
				}
			}
			if !bytes.Contains(data, []byte("Research use only")) || !bytes.Contains(data, []byte("AUTOMATIC")) {
				t.Errorf("%s says neither what it is for nor how it came about", want[n])
			}
		}
		if err := Write(t.Context(), dir, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.dcm")); len(left) > 0 {
			t.Errorf("%q of the earlier result is left", left)
		}
	}
}

func TestExportsAreDICOM(t *testing.T) {
	dir := t.TempDir()
	x := everything(t, dir)
	x.Format = DICOM
	written, err := x.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"anatomy_probability.dcm", "anatomy_zones.dcm", "contours.dcm", "diagnosis_cspca.dcm", "diagnosis_lesions.dcm", "diagnosis_probability.dcm", "reader-lesions.dcm", "reader-zones.dcm"}
	var got []string
	for _, name := range written {
		if strings.HasSuffix(name, ".nii.gz") || strings.HasSuffix(name, ".mha") {
			t.Errorf("%s is no DICOM", name)
		}
		if filepath.Ext(name) == ".dcm" {
			conforms(t, filepath.Join(dir, name))
			got = append(got, strings.TrimPrefix(name, AnonymousName(x.Exam)+"_"))
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("objects %q, want %q", got, want)
	}
	stem := filepath.Join(dir, AnonymousName(x.Exam)+"_")
	f, err := imageio.OpenSegmentation(stem + "reader-lesions.dcm")
	if err != nil || f.Segments[0].Algorithm != "SEMIAUTOMATIC" {
		t.Errorf("%v, %v", f, err)
	}
	if f, err = imageio.OpenSegmentation(stem + "reader-zones.dcm"); err != nil || f.Segments[0].Algorithm != "MANUAL" {
		t.Errorf("%v, %v", f, err)
	}
	s, err := rtstruct.Open(stem + "contours.dcm")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, r := range s.Structures {
		listed = append(listed, r.Name)
	}
	if text := strings.Join(listed, ","); !strings.HasPrefix(text, "TZ,PZ,Prostate,Lesion 1") || !strings.HasSuffix(text, "TZ (reader),PZ (reader),Prostate (reader),Lesions (reader)") {
		t.Errorf("structures %s", text)
	}
}

// On a real exam the objects refer to the images of its T2W series, slice by slice.
func TestObjectsReferToTheImagesOfARealExam(t *testing.T) {
	e, err := exam.Open(t.Context(), testenv.Data(t, "picai_prep", "ProstateX-0000", "07-07-2011", "4.000000-t2tsetra-00702"), exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	grid, _ := e.ReferenceGrid()
	zones, err := imageio.OpenMask(testenv.Data(t, "picai_labels", "cases", "11373_1001396", "zones_Yuan23_AI.nii.gz")) // 1 PZ, 2 TZ
	if err != nil {
		t.Fatal(err)
	}
	if zones, err = volume.ResampleMask(t.Context(), zones, grid); err != nil {
		t.Fatal(err)
	}
	x := Export{Dir: t.TempDir(), Name: "a", Format: DICOM, Items: []Item{EditedLabels, Contours}, Exam: e, Program: "test",
		Labels: []Labels{{Name: "zones", Mask: zones}}, DICOM: DICOMOptions{Created: time.Unix(0, 0)}}
	for _, identity := range []bool{false, true} {
		x.DICOM.Identity, x.Overwrite = identity, identity
		if _, err := x.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a_zones.dcm", "a_contours.dcm"} {
			path := filepath.Join(x.Dir, name)
			conforms(t, path)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(e.Identity.PatientID)) != identity || e.Identity.PatientID == "" {
				t.Errorf("%s with identity %v holds the patient's ID or not", name, identity)
			}
		}
	}
	f, err := dicomseg.Open(filepath.Join(x.Dir, "a_zones.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	source := e.Chosen(exam.T2W).Source()
	if len(f.Sources) != 19 || f.FrameOfReference != source.FrameOfReference {
		t.Errorf("%d sources, frame of reference %s", len(f.Sources), f.FrameOfReference)
	}
	for _, i := range source.Images {
		if !slices.Contains(f.Sources, i.Instance) {
			t.Errorf("%s is not referred to", i.Instance)
		}
	}
	tz, err := f.Mask(map[int]uint8{f.Of(dicomcode.TZ)[0].Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tz.Region(1).Voxels, zones.Region(1).Voxels; got != want || want < 1000 {
		t.Errorf("%d voxels, want %d", got, want)
	}
}

// A T2W image whose slices run against their normal, as many files have it, is written and verified as any other.
func TestSlicesMayRunAgainstTheirNormal(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	g := turned(newGrid(t, [3]int{9, 7, 5}, geom.Vec3{0.5, 0.5, 3}, geom.Vec3{1, 2, 3}))
	data := make([]uint8, g.Voxels())
	for at := range data {
		data[at] = uint8(at % 5 % 3)
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	d := dicomMaker{exam: s.exam, program: "test"}
	path := filepath.Join(t.TempDir(), "a.dcm")
	if err := d.masks(m, zoneStructures, readers(false), "zones", 1, "")(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	conforms(t, path)
	if err := d.contours(t.Context(), path, g, []part{{m, zoneStructures, readers(true), ""}}); err != nil {
		t.Fatal(err)
	}
	data = slices.Clone(data)
	data[1] = 0
	x := dicomout.Segmentation{Grid: g}
	for _, part := range zoneStructures {
		x.Segments = append(x.Segments, dicomout.Segment{In: func(at int) bool { return part.has(data[at]) }})
	}
	if err := d.masks(m, zoneStructures, readers(false), "zones", 1, "")(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := verifySegmentation(path, x); !errors.Is(err, ErrVerify) {
		t.Errorf("another mask is taken for what was written: %v", err)
	}
}
