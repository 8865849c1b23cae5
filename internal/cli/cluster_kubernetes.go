package cli

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/internal/cluster"
	"bayeslice/internal/study"
)

// kubernetesJob are the flags of study kubernetes.
type kubernetesJob struct {
	clusterFlags
	kubernetes    cluster.Kubernetes
	storage, user string
	volumes       []string
}

func (s *session) studyKubernetesCommand() *cobra.Command {
	var j kubernetesJob
	c := &cobra.Command{
		Use:   "kubernetes FOLDER --image IMAGE",
		Short: "Write manifests that run a study on Kubernetes, as an indexed Job",
		Long: "Writes FOLDER/cluster/kubernetes.yaml, a Job with one index per element, and kubernetes-report.yaml, a Job for when the\nfirst is complete, and says how kubectl applies them; nothing is sent anywhere. That needs the rights to create jobs in a\n" +
			"namespace. IMAGE holds this program and ONNX Runtime. The study's folder is on a volume that all pods share: --claim\nnames one that exists; otherwise kubernetes-claim.yaml makes one, into which the study is to be copied. See docs/cluster.md.",
		Example: "  bayeslice study plan study.toml -o study\n  bayeslice study kubernetes study --image registry.example.org/bayeslice:1.0 --claim studies --sub-path study --memory 8G",
		Args:    oneArg("the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := study.Open(args[0])
			if err != nil {
				return err
			}
			return s.studyKubernetes(cmd.Context(), st, j)
		},
	}
	f, k := c.Flags(), &j.kubernetes
	f.SortFlags = false
	f.StringVar(&k.Image, "image", "", "container image with this program (required)")
	f.StringVar(&j.program, "program", "bayeslice", "this program in the image")
	f.StringVar(&k.Namespace, "namespace", "", "namespace (default: that of whoever applies the manifests)")
	f.StringVar(&k.Mount, "mount", "/study", "where the study is in the containers")
	f.StringVar(&k.Claim, "claim", "", "PersistentVolumeClaim that exists and holds the study (default: a new one)")
	f.StringVar(&k.SubPath, "sub-path", "", "folder of the study in the claim (default: its root)")
	f.StringVar(&j.storage, "storage", "20G", "size of a new claim")
	f.StringVar(&k.StorageClass, "storage-class", "", "storage class of a new claim (default: the cluster's)")
	f.StringVar(&k.AccessMode, "access-mode", "ReadWriteMany", "access mode of a new claim; ReadWriteOnce where all pods run on one node")
	f.StringArrayVar(&j.volumes, "volume", nil, "CLAIM:PATH, a claim with exams, mounted for reading at PATH, the same as in the study's file; may be repeated")
	f.StringVar(&j.user, "user", "1000:1000", "numbers of the user and the group that the programs run as, to whom the study's files belong")
	j.add(f)
	f.StringVar(&k.GPUResource, "gpu-resource", "nvidia.com/gpu", "how the cluster calls a GPU")
	return c
}

// studyKubernetes writes the manifests of a study.
func (s *session) studyKubernetes(ctx context.Context, st *study.Study, j kubernetesJob) error {
	if j.kubernetes.Image == "" {
		return usageError("kubernetes needs --image, a container image with this program")
	}
	missing, err := s.missing(ctx, st)
	if err != nil || len(missing) == 0 {
		return err
	}
	k := j.kubernetes
	if k.Job, err = j.describe(st, k.Mount, s.library, s.device, missing); err != nil {
		return err
	}
	if k.Storage, err = mebibytes("--storage", j.storage); err != nil {
		return err
	}
	if k.User, k.Group, err = parseUser(j.user); err != nil {
		return err
	}
	for _, v := range j.volumes {
		claim, path, ok := strings.Cut(v, ":")
		if !ok {
			return usageError("--volume %q is not CLAIM:PATH", v)
		}
		k.Volumes = append(k.Volumes, cluster.ClaimMount{Claim: claim, Path: path})
	}
	manifests, err := k.Manifests()
	if err != nil {
		return err
	}
	folder := filepath.Join(st.Dir(), clusterFolder)
	if err := cluster.Write(folder, manifests); err != nil {
		return err
	}
	s.say("elements    %s missing: %s of %d; those that are done end at once", are(len(missing)), cluster.Spans(missing), len(st.Elements()))
	s.say("wrote the manifests into %s; in that folder:", folder)
	for _, line := range kubectlSteps(k, st.Dir()) {
		s.say("  kubectl %s", line)
	}
	return nil
}

// kubectlSteps are the commands that run a study, in their order.
func kubectlSteps(k cluster.Kubernetes, folder string) []string {
	in := ""
	if k.Namespace != "" {
		in = "--namespace=" + k.Namespace + " "
	}
	job := k.Label()
	steps := []string{
		"apply -f " + cluster.ElementsManifest,
		in + "wait --for=condition=complete --timeout=-1s job/" + job,
		"apply -f " + cluster.ReportManifest,
		in + "wait --for=condition=complete --timeout=-1s job/" + job + "-report",
	}
	if k.Claim != "" {
		return steps
	}
	pod := k.FilesPod()
	steps = append([]string{
		"apply -f " + cluster.ClaimManifest,
		in + "wait --for=condition=Ready --timeout=-1s pod/" + pod,
		in + "cp " + shellWord(folder+"/.") + " " + shellWord(pod+":"+k.Mount),
	}, steps...)
	return append(steps, in+"cp "+shellWord(pod+":"+k.Mount+"/report")+" "+shellWord(filepath.Join(folder, "report")), in+"delete pod/"+pod)
}

// parseUser reads UID:GID, or UID alone, whose group has the same number.
func parseUser(text string) (user, group int64, err error) {
	u, g, both := strings.Cut(text, ":")
	if !both {
		g = u
	}
	user, err = strconv.ParseInt(u, 10, 32)
	if err == nil {
		group, err = strconv.ParseInt(g, 10, 32)
	}
	if err != nil {
		return 0, 0, usageError("--user %q is not two numbers, UID:GID", text)
	}
	return user, group, nil
}
