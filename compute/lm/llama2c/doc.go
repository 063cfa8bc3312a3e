// Package llama2c converts models in the form of llama2.c (a head of seven numbers, then all weights as binary32)
// to GGUF. `aiwork-node model convert` and tests call it.
//
// The form knows no tokenizer: the file that is written has the vocabulary's size and no texts.
package llama2c
