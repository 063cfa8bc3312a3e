// Package llama2c converts models in the form of llama2.c (a head of seven numbers, then all weights as binary32)
// to GGUF. `aiwork-node model convert` and tests call it.
//
// The form knows no tokenizer: the pieces of the vocabulary that is written are named by their numbers (Vocabulary).
package llama2c
