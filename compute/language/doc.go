// Package language makes language models into models of the network: it names them, keeps them, and runs them on items
// whose bytes alone decide what comes out.
//
//	LANG-1  A model's id is the Merkle root, under "aiwork/language/2", of its shape (pass.Shape), each tensor that it computes
//	        with: name, type, dimensions and the root of its bytes; and its tokenizer (token.Canonical). What
//	        else a file holds changes nothing. A file is used under an id only if it has it.
//	LANG-2  An item is a Prompt in its one encoding: tokens, or parts of a text whose control words are marked as such, so that
//	        whoever orders a turn of a conversation has put it into the model's form himself; how long the answer may
//	        be; how it is drawn, all in whole numbers; and what ends it. A parameter in ppm is float32(n) / 10^6. It may want
//	        likelihoods beside the answer, or a vector instead.
//	LANG-3  What is wrong with an item follows from its bytes and the model: over 4 MiB, another form, a limit passed, tokens that
//	        the model does not have, a prompt that leaves no room for the answer, values that are not finite.
//	LANG-4  The result is an Answer in its one encoding: why it ended, how many tokens the prompt had, the tokens, and their text
//	        up to what ended it, with U+FFFD for bytes that are no UTF-8; then likelihoods, or a vector alone, by their bits.
//	LANG-5  An answer ends with a token of the model's ends or of the prompt's, else with the token by which the first stop
//	        text is whole, else when it is as long as it may be.
//	LANG-6  Whether a result follows from an item takes one pass over it (Follows), and gives the verdict that another run would.
//
// Nouns: a Store is a folder of models; a Model is a file with its tokenizer and shape; a Ready one can run; a Teller makes
// text of tokens as they come and finds where an answer ends. Items that are begun share a Ready one's steps.
//
//	m, err := language.Store{Dir: folder}.Open(id)
//	r, err := m.Load(language.Options{Threads: 2, CacheBytes: 256 << 20})
//	result, err := r.Run(ctx, prompt.Encode())
//	answer, err := language.DecodeAnswer(result)
//
// compute/engine runs them as jobs, internal/inference serves them, internal/requester orders from them. The rules are in
// docs/protocol/tasks.md.
package language
