package kernel

//go:generate go run gen_lanes.go gen_functions.go gen_lanes_x86.go gen_lanes_neon.go gen_lanes_512.go
