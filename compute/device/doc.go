// Package device runs models on devices other than the processor, with the same bits.
//
// A Backend (compute/device/opencl) lists devices and opens them. A Device gives memory, copies, and runs the kernels of compute/device/code by
// name. A Unit is a device with a heap: memory that is given back is kept for the next, up to a ceiling. Load puts a model on a unit, and
// Program.Run walks over its operators.
//
//	DEV-1  The outputs are those of program.Run, to the bit, whatever ran where.
//	DEV-2  Open runs a self-test first: Questions, whose answers compute/operator knows, cover every kernel. The outcome is Validated,
//	       Mismatch or NotRun; only a validated device is used.
//	DEV-3  What the device does not have is left to compute/operator: other operators, other types, empty tensors, and everything that is wrong,
//	       so that faults are the processor's. Small tensors that lie in the program's memory stay there: shapes, axes, scalars.
//	DEV-4  Weights are copied once. Values stay on the device until the processor needs them or nobody does; each copy is counted in Stats.
//	DEV-5  Memory of the device stays under Options.MemoryBytes and under the largest buffer it allows, else the run ends in a CeilingError.
//	DEV-6  Trouble with the device is an Error, which IsTrouble knows: this machine's fault, never the input's.
//	DEV-7  A run that is cancelled ends before its next operator; at most inFlightMax kernels wait in the queue.
//
// A unit, and the programs on it, are for one goroutine at a time. cmd/aiwork-node lists devices and runs models on them.
//
//	u, err := device.Open([]device.Backend{opencl.New()}, "opencl:0", device.Options{})
//	p, err := u.Load(model)
//	outputs, stats, err := p.Run(ctx, inputs, program.DefaultLimits())
package device
