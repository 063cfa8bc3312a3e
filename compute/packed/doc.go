// Package packed keeps weights as the kernels of a machine take them, in files that processes map and share.
//
// Packing a network's weights takes time at each start, and in each process memory of their size. A packed file holds them once: whoever packs
// first writes it, and all map it. It belongs to one model on one path of the kernels, by one build of this program; what another
// build wrote is packed anew. A Folder holds the files, a Shelf is what one user of a model sees of its file. Rules:
//
//	PACKED-1  A file appears whole or not at all, is never changed, and is replaced by renaming. So what is mapped stays as it is.
//	PACKED-2  Only regular files of this user that nobody else may read or write are opened. The header and the table of sections are held
//	          against their digest before anything is taken; a section against its checksum when it is first taken. What does not hold is
//	          removed and packed anew.
//	PACKED-3  Nobody waits: who finds no file and does not get the lock packs for himself, in memory. A folder that cannot be written to does no
//	          harm.
//	PACKED-4  The files of a folder take no more than its limit; those that were not opened for longest go first.
//	PACKED-5  A name tells all that decides on a section's bytes, given those.
//
// A checksum (CRC-32C) finds what disks do; who can write to the folder can change what is computed, as he could change the program.
// Folder.Verify holds all sections against their SHA-256. A file that somebody cuts short in spite of PACKED-1 ends the process
// that reads it with a signal; engines run in children that start anew.
//
//	shelf := folder.Shelf(model, path, note)
//	defer shelf.Close()
//	b := shelf.Take(name) // nil: make it, and
//	shelf.Keep(name, made)
//	saved, err := shelf.Save()
//
// compute/plan and compute/lm use a Shelf through interfaces of their own; compute/engine opens it.
package packed
