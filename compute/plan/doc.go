// Package plan runs ONNX programs fast, with exactly the bits of compute/program.
//
// A Runner belongs to one program. For each set of input shapes it makes a plan: the nodes' shapes are worked
// out, what is constant is computed, products and convolutions get their packed weights, elementwise
// operators are joined into chains that run while their elements are in the cache, and every value that
// still lives in memory gets its place in one arena. Small inputs of whole numbers and truth values count as
// part of the shape, so that an If on a flag, or a Reshape to a given shape, is settled when the plan is made.
//
//	PLAN-1  Equal inputs give the bits of program.Run, on every path and with any number of threads.
//	PLAN-2  Work is split over outputs only, and joined only where every rounding stays.
//	PLAN-3  What has no fast form is computed by its operator. Where a shape follows from values, the plan
//	        ends, and goes on as another plan when the values are there.
//	PLAN-4  A run holds no more than Limits.Bytes and does no more than Limits.Steps; the context is asked
//	        between nodes.
//	PLAN-5  A Runner may be used by several goroutines at once. Each run has an arena of its own.
//
//	r := plan.New(p, plan.Options{Threads: 2})
//	defer r.Close()
//	outputs, err := r.Run(ctx, inputs, program.DefaultLimits())
package plan
