// Package cluster hands a study over to an engine that runs jobs on many machines: Slurm, as an array of jobs and a
// report that waits for them, or Kubernetes, as an indexed Job and another for the report. It knows nothing of studies:
// a [Job] is a command that is started once per element with the element's index as its last argument, and one that
// follows when all of them succeeded.
//
// What it expects of the element's command:
//
//   - done, or done already: it exits with 0.
//   - SIGTERM: it keeps what it has within the grace, exits with 128 or more, and goes on from there when it is started again.
//   - a failure that trying again does not mend: it exits with a code from 1 to 127 other than [Busy].
//   - another process has the element: it exits with [Busy], and is started again later, a few times.
//   - killed (128 and above, which is what out of memory looks like): it is started again, a few times.
//
// Scripts and manifests are functions of their description alone, and can be submitted by hand. The package never
// prints. It asks Slurm through sbatch and squeue; it never talks to Kubernetes.
package cluster
