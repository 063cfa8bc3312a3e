// Package model stores networks: a file holds one in canonical form with its weights, and a store is a folder of such files.
//
// A model's id is that of its network (net.Net.ID): a Merkle root over operators, weights and the form of its inputs and labels. Name,
// source and licence stand in the file for people and do not change the id. Rules:
//
//	MODEL-1  A file is read only if every weight has the root that the network names for it. So a file under an id computes what
//	         the id stands for, wherever it came from. A file that held before, by a shelf of compute/packed, is held against its checksum.
//	MODEL-2  Weights are stored as they are or, where they have up to 256 different values, by a table of these and a byte each.
//	         That is exact, and no part of the id.
//	MODEL-3  Kernels of convolutions are finite, since a tap in the padding may be skipped (AIW-2).
//	MODEL-4  A file appears in a store whole or not at all, under its id.
//
// The layout is in docs/protocol/aiw-1.md. A Library is what an engine has: the models that ship and those of a store.
// compute/catalog makes files of published packages, compute/engine runs them, compute/model/builtin holds the one that ships.
package model
