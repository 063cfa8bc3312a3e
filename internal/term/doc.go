// Package term prints for people and for machines: aligned tables, progress on a terminal, JSON where it
// is asked for. What people read is short and aligned; what machines read is one JSON value.
package term
