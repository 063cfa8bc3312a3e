// Package opencl
package opencl
