// Package pipeline joins networks to one task: what one gives is cut, turned and ordered, and goes into the next, up to an answer in words or
// numbers. A job can be for a pipeline as for a network: it has an id, an item's input gives the same answer on every computer, and its steps
// can be shown one by one.
//
// Nouns. A Spec says which Kind a pipeline is, which network plays which role in it, and which files it needs beside; a Pipeline is a Spec that
// is ready to run; a Step is one use of a network within a run, by the roots of what went in and came out. Rules:
//
//	PIPE-1  A pipeline's id is the Merkle root (tag "aiwork/pipeline/1") of its kind with its version, then of each role with its network's id, then of
//	        each file with its content, roles and files in the order of their names. What a kind does between its networks is docs/protocol/tasks.md; a
//	        change there is another version.
//	PIPE-2  The answer is JSON in one form: the keys in the order of this package, no white space, whole numbers only (scores in millionths, rounded
//	        down), texts as UTF-8 with only quotation marks, backslashes and control characters escaped.
//	PIPE-3  A run's trace is the Merkle root (tag "aiwork/trace/2") over 2^18 leaves: its steps in order (role, input and output lists by their
//	        roots), then empty ones. So two traces can be walked side by side to the first step that differs, whatever their lengths.
//	PIPE-4  What is wrong with an input depends on its bytes alone.
//	PIPE-5  What a job's item comes to is the trace's root and then the answer. So each step is committed to with the result, and auditors compare
//	        it too: nobody can be right about the answer by chance, or by another way than through the networks.
//
//	spec := pipeline.Spec{Kind: pipeline.OCR, Roles: roles, Files: files}
//	p, err := pipeline.Open(spec, networks)
//	answer, err := p.Run(ctx, png)
//
// compute/engine runs pipelines for jobs; `aiwork-node ai` runs them by themselves.
package pipeline
