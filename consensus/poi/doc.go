// Package poi is POI-Simplex: the pure machine by which staked validators agree on one chain of blocks.
//
// A Machine eats events and appends effects. It knows no clock, network, disk, lock or chance: equal
// machines given equal events append equal effects. The driver beside it does what the effects say.
package poi
