package autodiff

// rules is the table: one line per operator, by family.
var rules = map[string]entry{
	// Elementwise, two or more inputs.
	"Add": {add, true}, "Sub": {sub, true}, "Mul": {mul, true}, "Div": {div, true}, "Pow": {pow, true},
	"Max": {extremum, true}, "Min": {extremum, true}, "Where": {where, true},
	// Elementwise, one input.
	"Identity": {identity, false}, "Neg": {neg, false}, "Abs": {abs, false}, "Exp": {exp, false}, "Log": {log, false},
	"Sqrt": {sqrt, false}, "Reciprocal": {reciprocal, false}, "Sigmoid": {sigmoid, false}, "Tanh": {tanh, false},
	"Relu": {relu, false}, "LeakyRelu": {leakyRelu, false}, "Clip": {clip, false}, "Cast": {identity, false},
	// Along axes.
	"Softmax": {softmax, false}, "LogSoftmax": {logSoftmax, false},
	"ReduceSum": {reduceSum, false}, "ReduceMean": {reduceMean, false}, "ReduceMax": {reduceMax, false},
	"MatMul": {matMul, true}, "InstanceNormalization": {instanceNorm, false},
	// Moving elements.
	"Concat": {concat, false}, "Slice": {slice, false}, "Gather": {gather, false}, "Pad": {pad, false},
	"Reshape": {reshape, false}, "Transpose": {transpose, false}, "Expand": {expand, true},
	"Resize": {resize, false}, "DepthToSpace": {depthToSpace, false},
	// Convolutions.
	"Conv": {usual.conv, false}, "ConvTranspose": {usual.convTranspose, false},
}

// stops are the operators through which nothing flows, and why.
var stops = map[string]string{
	"Sign":    "constant wherever it is differentiable",
	"Not":     "its output is bool",
	"Greater": "its output is bool",
	"Less":    "its output is bool",
	"Equal":   "its output is bool",
}
