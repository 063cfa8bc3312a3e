package code

import _ "embed"

// The parts, in the order in which they are put together behind a prelude. Embedded text is constant but in name.
var (
	//go:embed prelude.opencl.cl
	preludeOpenCL string
	//go:embed arithmetic.cl
	arithmetic string
	//go:embed elementwise.cl
	elementwise string
	//go:embed rows.cl
	rows string
	//go:embed matrix.cl
	matrix string
	//go:embed window.cl
	window string
	//go:embed quantised.cl
	quantised string
)

// Kernels is everything behind a prelude, in the language that OpenCL C and CUDA C share.
func Kernels() string { return arithmetic + elementwise + rows + matrix + window + quantised }

// OpenCL gives the whole source as OpenCL C 1.2.
func OpenCL() string { return preludeOpenCL + Kernels() }
