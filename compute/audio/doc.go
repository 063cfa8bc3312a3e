// Package audio reads sound files and gives what networks hear: one channel at 16,000 samples a second.
//
// Its nouns: a Sound is samples as whole numbers, all channels of a moment added up, and what full scale is.
// Decode reads WAV (8 to 24 bits, or float32) and FLAC (4 to 24 bits). At resamples. Rules, whose full text
// is docs/protocol/tasks.md:
//
//	AUD-1  Files are hostile: sizes are bounded, lengths never believed, checksums of FLAC are checked.
//	AUD-2  Samples stay whole numbers up to the last step, one division by full scale.
//	AUD-3  Resampling is a sum of 48 to 400 samples with whole numbers for weights, which Resampler states.
//	       Rates whose ratio to 16,000 is not of small numbers are refused.
//
// compute/audio/speech finds speech in a Sound.
package audio
