// Package p2p connects nodes.
package p2p
