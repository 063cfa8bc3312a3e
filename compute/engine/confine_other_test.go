//go:build !linux

package engine

const hardCeiling = false
