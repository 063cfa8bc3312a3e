// Llamaref runs compute/lm beside llama.cpp on one model, in turn, and prints tokens per processor second and their
// ratio; and on the stories model of the shared data it compares the greedy tokens of both.
//
//	npm ci --ignore-scripts --prefix tools/llamaref
//	go run -C tools/llamaref . -format Q8_0 -rounds 3
//	go run -C tools/llamaref . -stories stories260K.bin
//	go run -C tools/llamaref . -tokenizers
//	go run -C tools/llamaref . -make big.gguf
//
// The model has 187 million random weights: 12 layers of 1024 dimensions, 16 heads, 2816 hidden, a vocabulary of 32,000.
// Figures are of one machine at one time; they are printed, and nothing is asserted.
package main
