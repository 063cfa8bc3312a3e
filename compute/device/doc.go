// Package device
package device
