package code

import _ "embed"

// The parts, in the order in which they are put together behind a prelude.
var (
	//go:embed prelude.opencl.cl
	preludeOpenCL string
	//go:embed arithmetic.cl
	arithmetic string
	//go:embed matrix.cl
	matrix string
)

// kernels is everything behind the prelude.
func kernels() string { return arithmetic + matrix }

// OpenCL gives the whole source as OpenCL C 1.2.
func OpenCL() string { return preludeOpenCL + kernels() }
