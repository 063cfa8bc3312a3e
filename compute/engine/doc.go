// Package engine runs models on canonical inputs, in a child process of the same binary.
//
// A picture of a stranger meets a decoder and a model of a stranger meets the kernels; neither may take
// the node down, nor its memory, nor the time of its consensus. So the work is done in a child that runs
// at low priority with few threads, under a ceiling of memory and a time-out per item, and is replaced
// when it dies. The node talks to it in frames over its standard input and output.
//
// Nouns: an output is the canonical bytes of the result tensor (little-endian float32, one NaN only);
// RunLocal is the pure function from a model and an input to an output, or to an InputError; Engine is
// the parent's side of the child; Serve is the child's side.
//
// Faults come in two families that must never be mixed, because one is settled on chain and the other is
// nobody's business but the operator's:
//
//	*InputError  the input is at fault. It depends on the bytes alone: every machine says the same.
//	*LocalError  this machine is at fault: the child crashed, hung, or ran out of memory. The same item
//	             may well succeed elsewhere, or here in a moment; the next Run starts a new child.
//
//	e, err := engine.Start(ctx, engine.Options{Exe: self, Args: []string{"engine"}})
//	...
//	defer e.Close()
//	output, err := e.Run(ctx, builtin.ContentSafetyHash(), png)
//
// The worker and the auditor in package compute call Engine; cmd/aiwork-node calls Serve.
//
// With the build tag faulty, and only then, outputs are spoilt on purpose: see tamper.
package engine
