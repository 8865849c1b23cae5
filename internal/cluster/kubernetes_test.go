package cluster

import (
	"bytes"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"bayeslice/internal/testenv"
)

// hostile is the name of a folder that breaks whatever does not quote: blanks, quotes, what shells and Slurm expand, a
// line that looks like a directive, a carriage return, bytes that are no text.
const hostile = "-it's \"a\" $HOME `id` %j \\n é\n#SBATCH --hold\r\n\xff"

// hostileText is [hostile] as far as it is UTF-8.
var hostileText = strings.ToValidUTF8(hostile, "") + " $(HOME) $$(HOME) $ yes: [no] & *x !!str 012 \u2028"

// sample is a study on Kubernetes.
func sample() Kubernetes {
	return Kubernetes{
		Job: Job{Name: "paper", Element: []string{"bayeslice", "study", "element", "/study/" + hostileText, "--index"}, Report: []string{"bayeslice", "study", "report", "/study"},
			Indices: []int{3, 7, 8}, AtOnce: 2, CPUs: 4, Memory: 8192, GPUs: 1, Grace: 90 * time.Second, Environment: map[string]string{"GREETING": hostileText, "NO": "no"}},
		Namespace: "lab", Image: "registry.example.org/lab/bayeslice@sha256:0123", Mount: "/study", Storage: 20480, StorageClass: "fast", AccessMode: "ReadWriteMany",
		Volumes: []ClaimMount{{"exams", "/data/exams"}}, User: 1000, Group: 1001, GPUResource: "nvidia.com/gpu",
	}
}

// decode reads the objects of a manifest into Kubernetes' own types, in which every name must exist.
func decode(t *testing.T, text []byte, into ...any) {
	t.Helper()
	parts := bytes.Split(text, []byte("\n---\n"))[1:]
	if len(parts) != len(into) {
		t.Fatalf("%d objects, want %d:\n%s", len(parts), len(into), text)
	}
	for i, p := range parts {
		if err := yaml.UnmarshalStrict(p, into[i]); err != nil {
			t.Fatalf("object %d: %v\n%s", i, err, p)
		}
	}
}

// expand is what Kubernetes makes of a word of a command: $(NAME) gives way to a variable that is set, $$ is $. After its
// reference documentation, "Container", field command.
func expand(word string, variables map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] != '$' || i+1 == len(word) {
			b.WriteByte(word[i])
			continue
		}
		switch word[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(word[i:], ')')
			if value, known := variables[word[i+2:i+max(end, 2)]]; end > 0 && known {
				b.WriteString(value)
				i += end
				continue
			}
			b.WriteByte('$')
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// TestKubernetesElements reads the manifest of the elements with Kubernetes' own types and compares what a cluster acts on.
func TestKubernetesElements(t *testing.T) {
	k := sample()
	files, err := k.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	var claim corev1.PersistentVolumeClaim
	var through corev1.Pod
	var job batchv1.Job
	decode(t, files[ClaimManifest], &claim, &through)
	decode(t, files[ElementsManifest], &job)
	if through.Name != k.FilesPod() || through.Spec.Volumes[0].PersistentVolumeClaim.ClaimName != claim.Name || through.Spec.Containers[0].VolumeMounts[0].MountPath != k.Mount {
		t.Errorf("files go through %+v", through)
	}
	if q := claim.Spec.Resources.Requests[corev1.ResourceStorage]; q.Value() != 20<<30 || claim.Spec.AccessModes[0] != corev1.ReadWriteMany || *claim.Spec.StorageClassName != "fast" {
		t.Errorf("the claim is %+v", claim.Spec)
	}
	s := job.Spec
	if job.Name != "bayeslice-paper" || job.Namespace != "lab" || *s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != 9 || *s.Parallelism != 2 || *s.BackoffLimitPerIndex != maxKills ||
		s.BackoffLimit != nil || *s.PodReplacementPolicy != batchv1.Failed {
		t.Errorf("the job is %+v", s)
	}
	rules := s.PodFailurePolicy.Rules
	if len(rules) != 2 || rules[0].Action != batchv1.PodFailurePolicyActionIgnore || rules[0].OnPodConditions[0].Type != corev1.DisruptionTarget || rules[0].OnPodConditions[0].Status != corev1.ConditionTrue ||
		rules[1].Action != batchv1.PodFailurePolicyActionFailIndex || rules[1].OnExitCodes.Operator != batchv1.PodFailurePolicyOnExitCodesOpIn || !reflect.DeepEqual(rules[1].OnExitCodes.Values, []int32{1, 2, 126, 127}) {
		t.Errorf("the rules are %+v", rules)
	}
	pod := s.Template.Spec
	if pod.RestartPolicy != corev1.RestartPolicyNever || *pod.TerminationGracePeriodSeconds != 90 || *pod.AutomountServiceAccountToken || !*pod.SecurityContext.RunAsNonRoot ||
		*pod.SecurityContext.RunAsUser != 1000 || *pod.SecurityContext.FSGroup != 1001 || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod is %+v", pod)
	}
	checkContainer(t, k, pod)
}

// checkContainer looks at the container of an element.
func checkContainer(t *testing.T, k Kubernetes, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	variables := map[string]string{"HOME": "/tmp", "JOB_COMPLETION_INDEX": "7"}
	for _, e := range c.Env {
		variables[e.Name] = expand(e.Value, maps.Clone(variables))
	}
	if variables["GREETING"] != hostileText || variables["NO"] != "no" || variables["HOME"] != "/tmp" {
		t.Errorf("the environment is %q", variables)
	}
	var command []string
	for _, w := range c.Command {
		command = append(command, expand(w, variables))
	}
	if want := append(append([]string{}, k.Element...), "7"); !reflect.DeepEqual(command, want) {
		t.Errorf("the command is %q, want %q", command, want)
	}
	if *c.SecurityContext.AllowPrivilegeEscalation || !*c.SecurityContext.ReadOnlyRootFilesystem || c.SecurityContext.Capabilities.Drop[0] != "ALL" || c.Image != k.Image {
		t.Errorf("the container is %+v", c)
	}
	if c.Resources.Requests.Cpu().Value() != 4 || c.Resources.Limits.Memory().Value() != 8<<30 {
		t.Errorf("the resources are %+v", c.Resources)
	}
	if gpus := c.Resources.Limits["nvidia.com/gpu"]; gpus.Value() != 1 {
		t.Errorf("the resources are %+v", c.Resources)
	}
	claims := map[string]string{}
	for _, v := range pod.Volumes {
		if v.PersistentVolumeClaim != nil {
			claims[v.Name] = v.PersistentVolumeClaim.ClaimName
		}
	}
	for path, claim := range map[string]string{"/study": "bayeslice-paper", "/data/exams": "exams", "/tmp": ""} {
		found := false
		for _, m := range c.VolumeMounts {
			found = found || m.MountPath == path && claims[m.Name] == claim && m.ReadOnly == (path == "/data/exams")
		}
		if !found {
			t.Errorf("%s is not where claim %q is mounted: %+v", path, claim, c.VolumeMounts)
		}
	}
}

// TestKubernetesReport reads the manifest of the report, here with a claim that exists.
func TestKubernetesReport(t *testing.T) {
	k := sample()
	k.Claim, k.SubPath, k.AtOnce = "studies", "lab/paper", 0
	files, err := k.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d manifests where there is a claim", len(files))
	}
	var elements, report batchv1.Job
	decode(t, files[ElementsManifest], &elements)
	decode(t, files[ReportManifest], &report)
	if *elements.Spec.Parallelism != 9 {
		t.Errorf("%d at once", *elements.Spec.Parallelism)
	}
	c := report.Spec.Template.Spec.Containers[0]
	if report.Name != "bayeslice-paper-report" || report.Spec.CompletionMode != nil || !reflect.DeepEqual(c.Command, k.Report) || len(c.Resources.Limits) != 2 {
		t.Errorf("the report is %+v", report.Spec)
	}
	for _, pod := range []corev1.PodSpec{elements.Spec.Template.Spec, report.Spec.Template.Spec} {
		if m := pod.Containers[0].VolumeMounts[0]; m.SubPath != "lab/paper" || pod.Volumes[0].PersistentVolumeClaim.ClaimName != "studies" {
			t.Errorf("the study is mounted as %+v of %+v", m, pod.Volumes[0])
		}
	}
}

// TestKubectl has kubectl read the manifests and change them, where there is one; it needs no cluster for that.
func TestKubectl(t *testing.T) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		testenv.SkipOrFail(t, "kubectl", "there is no kubectl on this machine")
	}
	k := sample()
	files, err := k.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir) // not the cluster of whoever runs the tests
	t.Setenv("KUBECONFIG", filepath.Join(dir, "none"))
	for name, want := range map[string]string{ClaimManifest: "persistentvolumeclaim/bayeslice-paper pod/bayeslice-paper-files", ElementsManifest: "job.batch/bayeslice-paper", ReportManifest: "job.batch/bayeslice-paper-report"} {
		out, err := exec.Command("kubectl", "label", "--local", "--output=name", "--filename="+filepath.Join(dir, name), "tested=yes").CombinedOutput()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != want {
			t.Errorf("%s: kubectl says %q, %v", name, out, err)
		}
	}
}

// TestKubernetesRefusals sees what cannot be refused with words that name it.
func TestKubernetesRefusals(t *testing.T) {
	for want, change := range map[string]func(k *Kubernetes){
		"no element is left":            func(k *Kubernetes) { k.Indices = nil },
		"100001 elements":               func(k *Kubernetes) { k.Indices = []int{100_000} },
		"image \"\"":                    func(k *Kubernetes) { k.Image = "" },
		"image \"a b\"":                 func(k *Kubernetes) { k.Image = "a b" },
		"namespace \"Lab\"":             func(k *Kubernetes) { k.Namespace = "Lab" },
		"claim \"a_b\"":                 func(k *Kubernetes) { k.Claim = "a_b" },
		"storage class \"-a\"":          func(k *Kubernetes) { k.StorageClass = "-a" },
		"name of GPUs \"gpu\"":          func(k *Kubernetes) { k.GPUResource = "gpu" },
		"GPUs without how":              func(k *Kubernetes) { k.GPUResource = "" },
		"0 MiB of storage":              func(k *Kubernetes) { k.Storage = 0 },
		"access mode \"RWX\"":           func(k *Kubernetes) { k.AccessMode = "RWX" },
		"user 0":                        func(k *Kubernetes) { k.User = 0 },
		"folder \"../x\"":               func(k *Kubernetes) { k.SubPath = "../x" },
		"path \"study\"":                func(k *Kubernetes) { k.Mount = "study" },
		"path \"/a/../b\"":              func(k *Kubernetes) { k.Mount = "/a/../b" },
		"path /tmp twice":               func(k *Kubernetes) { k.Mount = "/tmp" },
		"path /study twice":             func(k *Kubernetes) { k.Volumes = []ClaimMount{{"exams", "/study"}} },
		"claim \"\"":                    func(k *Kubernetes) { k.Volumes = []ClaimMount{{"", "/exams"}} },
		"\"/study/\\xff\" is not UTF-8": func(k *Kubernetes) { k.Element[3] = "/study/\xff" },
	} {
		k := sample()
		change(&k)
		if files, err := k.Manifests(); !errors.Is(err, ErrJob) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, and %d files", want, err, len(files))
		}
	}
}
