// Package face finds faces in pictures and tells whether two are the same person's, with the networks of
// the npm package @vladmandic/face-api 1.7.15.
//
// Its nouns: a Face is where one is, with a score; a Descriptor is 128 numbers that are near each other for
// pictures of one person. Detect and DetectTiny find faces with two networks, Describe makes a descriptor
// and Same compares two. Rules, whose full text is docs/protocol/tasks.md:
//
//	FACE-1  Pictures lie on a black square, as the JavaScript lays them, and are resized by vision.Edges.
//	FACE-2  Of boxes whose score is above 1/2, the best is taken and those that overlap it too much fall
//	        away, and so on; equal scores are taken by index.
//	FACE-3  Everything is float32, each operation rounded by itself; exp and sigmoid are those of AIW-1.
//
// compute/tfjs makes the networks. The functions are safe for concurrent use.
package face
