// Package objects keeps large files, models above all, under the hash of their bytes, and brings them from
// peers group by group, each group checked as it comes.
//
// An [ID] is the BLAKE3-256 hash of an object's bytes, 1 byte to 2 GiB of them. A [Tree] is an object's size
// with the chaining values of its groups of 256 KiB, from which the id follows; with it each group can be
// checked by itself. A [Store] is a folder of objects with a quota. A [Partial] is an object that is not all
// there yet. [Fetch] fills one from several peers at once. A [Shelf] tells peers of files that lie elsewhere.
//
// What holds:
//
//	OBJ-1  A tree is believed only when its values give the id and the last group fits: the size is in no
//	       other value, so a wrong size would make honest peers look like liars.
//	OBJ-2  A group is written only when it fits the tree. Who sent one that does not is named at once.
//	OBJ-3  A file bears its final name only when all its groups fit and are on the disk.
//	OBJ-4  What is there of a partial object is found by hashing, never by notes of it: whatever a crash,
//	       a power cut or a torn write left, a group counts if it fits, and is fetched again if not.
//	OBJ-5  Objects and partial ones together stay within the quota, partial ones counted whole. Room is made
//	       by removing what has not been used for longest. What any process of this machine uses is pinned:
//	       it holds a lock on the file, which ends with the process however that ends.
//	OBJ-6  Several processes may use one folder. There is no index beside the folder itself.
//
// `aiwork-node model pull` and the worker fetch, the node's Shelf serves its models:
//
//	s := objects.Store{Dir: dir, QuotaBytes: 8 << 30}
//	err := objects.Fetch(ctx, s, peers, id, nil)
//	o, err := s.Open(id)
//	defer o.Close()
package objects
