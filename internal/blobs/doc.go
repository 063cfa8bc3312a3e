// Package blobs keeps the inputs and outputs of jobs: byte strings of up to 4 MiB, named by their
// BLAKE3-256 hash, in plain files of this node. The chain holds the names only.
//
// An [ID] is a blob's name. A [Store] is a folder of blobs with a quota. [Wanted] tells which blobs an
// open, funded job names. [Peers] is where blobs come from that this node lacks.
//
// What holds:
//
//	BLOB-1  A blob is stored under the hash of its bytes only, and hashed again whenever it is read.
//	        A file whose bytes have changed is removed and counts as missing.
//	BLOB-2  Put takes only what is wanted (rule 32), so that strangers cannot fill the disk. Fetch is
//	        for this node's own needs and does not ask.
//	BLOB-3  The quota covers all blobs, each counted as whole blocks of 4 KiB; room is taken before a
//	        byte is written and given back when writing fails.
//	BLOB-4  A file bears its final name only when its bytes are on the disk: after a crash a blob is
//	        there whole or not at all. When Put returns nil, it stays.
//	BLOB-5  The index lies in memory and is read from the folder at Open; there is nothing to repair.
//
// All methods are safe for concurrent use. The RPC server puts blobs, worker and auditor fetch them,
// the node prunes and serves them to peers:
//
//	s, err := blobs.Open(blobs.Options{Dir: dir, Wanted: jobs, Peers: net})
//	err = s.Put(ctx, data, id)        // from a requester
//	data, err := s.Fetch(ctx, id)     // from here or from peers
//	s.Prune(time.Now().Add(-time.Hour), jobs.Names)
package blobs
