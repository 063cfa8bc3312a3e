// Package image turns photographs into what a model reads, with one result on every computer.
//
// Its nouns: a canonical input is the one form of picture that a job may carry (rules IMG-1 to IMG-4);
// RGB is its pixels; a Fault says why bytes are no canonical input. A Fault is part of the protocol: it
// depends on the bytes alone, so every worker and auditor refuses the same inputs for the same reason.
//
//	IMG-1  A canonical input is a PNG of at most InputBytesMax bytes: 8 bits a sample, any of the five
//	       colour types, not interlaced, at most SideMax pixels a side and PixelsMax in all.
//	IMG-2  Its chunks are well-formed to the last byte: lengths, checksums, one IHDR first, one IEND
//	       last, nothing behind it. Of the chunks between only PLTE, tRNS and IDAT are read: gamma,
//	       colour profiles and all else that may change how a picture is shown is ignored.
//	IMG-3  A pixel (r, g, b) of opacity a becomes floor((r*a + 127) / 255) and so on: it lies over black.
//	IMG-4  Resizing is bilinear with aligned corners, in integers up to one division (see Tensor).
//
// Decode and Tensor run wherever a model runs. ToCanonicalPNG runs only at the requester, who may hold
// a JPEG: decoders of lossy formats differ from version to version, so their pixels are settled before
// the job is submitted, and the SHA-256 of the original is kept beside it.
package image
