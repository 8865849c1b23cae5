// Package study repeats the paper's experiment: it trains and evaluates one network for each task, loss, run and fold
// that a file names, does whatever is still missing when it is started again, and reports all of it on one page.
//
// A study lives in a folder:
//
//	study.toml                    what it consists of ([File]), with every default written out; never changed
//	splits.json                   which exams validate in which fold of which run, the same for every configuration
//	data/                         prepared exams
//	trainings/NAME/               the run folder of an element (package trainer)
//	evaluations/NAME/             results.json, exams.csv and report.html of its validation fold
//	elements/NAME.json            how long the element took, or why it failed
//	elements/NAME.lock            held by the process that works on it
//	cluster/                      scripts, manifests and logs of an engine that runs the elements elsewhere (package cluster)
//	report/                       report.html, results.json and table.csv of everything
//
// An element is one training with its evaluation. Its results.json is written last and makes it done. Elements are
// independent of each other, so that several processes on one or many machines that share the folder
// divide them among themselves. On the CPU a study that was interrupted, even by kill -9, ends in the same
// numbers as one that was not: training goes on from its last checkpoint (package trainer), evaluation starts again,
// and both depend on seeds alone.
//
// The package knows no runtime: what runs graphs are [Openers]. It never prints, and takes the time
// from its caller.
package study
