// Package code
package code
