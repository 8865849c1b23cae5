package cluster

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// Kubernetes is a [Job] as Kubernetes runs it: an indexed Job, and another for the report that people apply when the first
// is complete. Programs run as an ordinary user, with a file system of which only the study and a folder for temporary
// files can be written, and without access to Kubernetes itself. Needs Kubernetes 1.29 or newer.
//
// An index that has nothing to do ends at once, so that all elements from 0 to the last index are there: indexed Jobs
// know no gaps.
type Kubernetes struct {
	Job
	Namespace string // "" takes that of whoever applies the manifest
	Image     string // of the containers, with the program of [Job.Element]
	// Mount is where the study's volume is in the containers.
	Mount string
	// Claim is a PersistentVolumeClaim that exists and holds the study, in its folder SubPath ("" is the whole). Without
	// one a manifest makes a claim of Storage MiB, of StorageClass ("" is the cluster's), with AccessMode, and a pod that does
	// nothing, through which people copy the study there and its report back; the image needs sleep and tar for that.
	Claim, SubPath           string
	Storage                  int
	StorageClass, AccessMode string
	// Volumes are more claims that exist, mounted for reading alone: the exams.
	Volumes []ClaimMount
	// User and Group are numbers of an ordinary user, to whom the files of the study belong.
	User, Group int64
	// GPUResource is how the cluster calls a GPU.
	GPUResource string
}

// ClaimMount is a claim and where it is mounted.
type ClaimMount struct {
	Claim, Path string
}

// Names of the files that [Kubernetes.Manifests] describes.
const (
	ClaimManifest    = "kubernetes-claim.yaml" // only where there is no claim yet
	ElementsManifest = "kubernetes.yaml"
	ReportManifest   = "kubernetes-report.yaml"
)

const (
	indexVariable = "$(JOB_COMPLETION_INDEX)" // Kubernetes puts the index in its place
	filesSuffix   = "-files"
	tmpMount      = "/tmp"
	maxElements   = 100_000 // of an indexed Job
)

// Manifests returns that of the claim, where it makes one, of the elements and of the report, by file name. It fails
// with [ErrJob].
func (k Kubernetes) Manifests() (map[string][]byte, error) {
	if err := k.validate(); err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, d := range []struct {
		name, what string
		objects    []object
	}{
		{ClaimManifest, "Room for a study, and a pod to copy it there and back.", []object{k.newClaim(), k.files()}},
		{ElementsManifest, "The trainings of a study, one per index.", []object{k.elements()}},
		{ReportManifest, fmt.Sprintf("The report of a study, for when job/%s is complete.", k.Label()), []object{k.report()}},
	} {
		if d.name == ClaimManifest && k.Claim != "" {
			continue
		}
		text, err := documents(d.what+" Written by Bayeslice; docs/cluster.md says in which order manifests are applied.", d.objects)
		if err != nil {
			return nil, err
		}
		out[d.name] = text
	}
	return out, nil
}

// documents writes objects as YAML after a comment.
func documents(comment string, objects []object) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# " + comment + "\n")
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("cluster: %w", err) // a fault of the program
		}
		b.WriteString("---\n")
		b.Write(text)
	}
	return b.Bytes(), nil
}

// meta names an object and says what it belongs to.
func (k Kubernetes) meta(suffix, component string) objectMeta {
	return objectMeta{Name: k.Label() + suffix, Namespace: k.Namespace, Labels: map[string]string{
		"app.kubernetes.io/name": "bayeslice", "app.kubernetes.io/instance": k.Label(), "app.kubernetes.io/component": component,
	}}
}

func (k Kubernetes) newClaim() object {
	return object{APIVersion: "v1", Kind: "PersistentVolumeClaim", Metadata: k.meta("", "storage"), Spec: claimSpec{
		AccessModes: []string{k.AccessMode}, StorageClassName: k.StorageClass, Resources: resources{Requests: map[string]string{"storage": mebibytes(k.Storage)}},
	}}
}

// FilesPod names the pod through which files are copied.
func (k Kubernetes) FilesPod() string { return k.Label() + filesSuffix }

// files is a pod that does nothing, with the study mounted.
func (k Kubernetes) files() object {
	c := k.container("files", []string{"sleep", "infinity"})
	c.Resources = resources{Requests: map[string]string{"cpu": "100m", "memory": mebibytes(64)}, Limits: map[string]string{"memory": mebibytes(256)}}
	pod := k.pod("files", c)
	pod.Spec.TerminationGracePeriodSeconds = 1
	return object{APIVersion: "v1", Kind: "Pod", Metadata: k.meta(filesSuffix, "files"), Spec: pod.Spec}
}

// elements is the indexed Job. A pod that its node lost does not count; an element that says why it cannot be done is not
// tried again; one that was killed is, a few times.
func (k Kubernetes) elements() object {
	count := k.Indices[len(k.Indices)-1] + 1
	parallel := count
	if k.AtOnce > 0 {
		parallel = min(k.AtOnce, count)
	}
	final := onExitCodes{ContainerName: "element", Operator: "In", Values: []int{1, 2, 126, 127}}
	limit := maxKills
	c := k.container("element", append(words(k.Element), indexVariable))
	c.Resources = k.resources(k.CPUs, k.GPUs)
	return object{APIVersion: "batch/v1", Kind: "Job", Metadata: k.meta("", "element"), Spec: jobSpec{
		CompletionMode: "Indexed", Completions: count, Parallelism: parallel, BackoffLimitPerIndex: &limit, PodReplacementPolicy: "Failed",
		PodFailurePolicy: &podFailurePolicy{Rules: []podFailureRule{
			{Action: "Ignore", OnPodConditions: []podCondition{{Type: "DisruptionTarget", Status: "True"}}},
			{Action: "FailIndex", OnExitCodes: &final},
		}},
		Template: k.pod("element", c),
	}}
}

func (k Kubernetes) report() object {
	limit := maxKills
	c := k.container("report", words(k.Report))
	c.Resources = k.resources(1, 0)
	return object{APIVersion: "batch/v1", Kind: "Job", Metadata: k.meta("-report", "report"), Spec: jobSpec{
		BackoffLimit: &limit, Template: k.pod("report", c),
	}}
}

// pod is what runs a container.
func (k Kubernetes) pod(component string, c container) podTemplate {
	meta := k.meta("", component)
	claim := k.Claim
	if claim == "" {
		claim = k.Label()
	}
	volumes := []volume{{Name: "study", PersistentVolumeClaim: &claimVolume{ClaimName: claim}}, {Name: "tmp", EmptyDir: &emptyDir{}}}
	for i, v := range k.Volumes {
		volumes = append(volumes, volume{Name: volumeName(i), PersistentVolumeClaim: &claimVolume{ClaimName: v.Claim, ReadOnly: true}})
	}
	return podTemplate{Metadata: objectMeta{Labels: meta.Labels}, Spec: podSpec{
		RestartPolicy: "Never", TerminationGracePeriodSeconds: int(k.Grace / time.Second),
		SecurityContext: podSecurityContext{RunAsNonRoot: true, RunAsUser: k.User, RunAsGroup: k.Group, FSGroup: k.Group,
			FSGroupChangePolicy: "OnRootMismatch", SeccompProfile: seccompProfile{Type: "RuntimeDefault"}},
		Containers: []container{c}, Volumes: volumes,
	}}
}

func volumeName(i int) string { return "data-" + strconv.Itoa(i) }

// container runs a command with the study mounted.
func (k Kubernetes) container(name string, command []string) container {
	mounts := []volumeMount{{Name: "study", MountPath: k.Mount, SubPath: k.SubPath}, {Name: "tmp", MountPath: tmpMount}}
	for i, v := range k.Volumes {
		mounts = append(mounts, volumeMount{Name: volumeName(i), MountPath: v.Path, ReadOnly: true})
	}
	env := []envVar{{"HOME", tmpMount}} // settings and caches go where can be written
	for _, v := range variables(k.Environment) {
		if v[0] == env[0].Name {
			env = nil
		}
	}
	for _, v := range variables(k.Environment) {
		env = append(env, envVar{v[0], literal(v[1])})
	}
	return container{Name: name, Image: k.Image, Command: command, Env: env, VolumeMounts: mounts,
		SecurityContext: securityContext{ReadOnlyRootFilesystem: true, Capabilities: capabilities{Drop: []string{"ALL"}}}}
}

// resources are what a container gets: the CPUs and the memory that it asks for, and not more memory than that.
func (k Kubernetes) resources(cpus, gpus int) resources {
	r := resources{Requests: map[string]string{"cpu": strconv.Itoa(cpus)}, Limits: map[string]string{"cpu": strconv.Itoa(cpus)}}
	if k.Memory > 0 {
		r.Requests["memory"], r.Limits["memory"] = mebibytes(k.Memory), mebibytes(k.Memory)
	}
	if gpus > 0 {
		r.Limits[k.GPUResource] = strconv.Itoa(gpus)
	}
	return r
}

func mebibytes(n int) string { return strconv.Itoa(n) + "Mi" }

// words are those of a command as Kubernetes reads them back.
func words(command []string) []string {
	out := make([]string, len(command))
	for i, w := range command {
		out[i] = literal(w)
	}
	return out
}

// literal keeps Kubernetes from putting variables in the place of their names: $$ is one $.
func literal(word string) string { return strings.ReplaceAll(word, "$", "$$") }

// subdomain is what names of objects must be, and claims among them.
var subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// namespaceName is what names of namespaces must be.
var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// resourceName is how resources of other makers are called.
var resourceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

// validate checks what only Kubernetes has.
func (k Kubernetes) validate() error {
	if err := k.Validate(); err != nil {
		return err
	}
	named := func(what, name string, is *regexp.Regexp) error {
		if name != "" && !is.MatchString(name) {
			return refuse("the %s %q; such names hold lower-case letters, digits and hyphens", what, name)
		}
		return nil
	}
	for _, n := range []struct {
		what, name string
		is         *regexp.Regexp
	}{{"namespace", k.Namespace, namespaceName}, {"claim", k.Claim, subdomain}, {"storage class", k.StorageClass, subdomain}, {"name of GPUs", k.GPUResource, resourceName}} {
		if err := named(n.what, n.name, n.is); err != nil {
			return err
		}
	}
	switch {
	case k.Indices[len(k.Indices)-1] >= maxElements:
		return refuse("%d elements, more than Kubernetes' %d; divide the study", k.Indices[len(k.Indices)-1]+1, maxElements)
	case k.Image == "" || strings.ContainsFunc(k.Image, notInOption):
		return refuse("the image %q; name it as container runtimes do, such as registry.example.org/bayeslice:1.0", k.Image)
	case k.GPUs > 0 && k.GPUResource == "":
		return refuse("GPUs without how the cluster calls them")
	case k.Claim == "" && (k.Storage < 1 || k.Storage > maxMemory):
		return refuse("%d MiB of storage for the study; choose 1 to %d, or name a claim that exists", k.Storage, maxMemory)
	case k.Claim == "" && !slices.Contains([]string{"ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"}, k.AccessMode):
		return refuse("the access mode %q; choose ReadWriteMany, or ReadWriteOnce where all pods run on one node", k.AccessMode)
	case k.User < 1 || k.Group < 1:
		return refuse("user %d and group %d; choose numbers from 1 up: root is not needed", k.User, k.Group)
	case strings.HasPrefix(k.SubPath, "/") || slices.Contains(strings.Split(k.SubPath, "/"), ".."):
		return refuse("the folder %q of the claim; give it from the claim's root, without ..", k.SubPath)
	}
	for _, w := range slices.Concat(k.Element, k.Report, slices.Collect(maps.Values(k.Environment)), []string{k.Mount, k.SubPath}) {
		if !utf8.ValidString(w) {
			return refuse("%q is not UTF-8, which Kubernetes wants; rename it", w)
		}
	}
	return k.validMounts()
}

// validMounts refuses paths that no container can have, or that hide each other.
func (k Kubernetes) validMounts() error {
	taken := map[string]bool{tmpMount: true}
	for _, m := range append([]ClaimMount{{"study", k.Mount}}, k.Volumes...) {
		switch {
		case !subdomain.MatchString(m.Claim):
			return refuse("the claim %q; such names hold lower-case letters, digits and hyphens", m.Claim)
		case !path.IsAbs(m.Path) || path.Clean(m.Path) != m.Path || m.Path == "/" || strings.ContainsAny(m.Path, ":\x00"):
			return refuse("the path %q in the containers; give an absolute one other than /, without : and ..", m.Path)
		case taken[m.Path]:
			return refuse("the path %s twice in the containers; %s is for temporary files", m.Path, tmpMount)
		}
		taken[m.Path] = true
	}
	return nil
}
