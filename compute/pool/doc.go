// Package pool is being written.
package pool
