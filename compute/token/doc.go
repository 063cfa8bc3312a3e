// Package token turns texts into the tokens of a language model and back, by what a GGUF file says of its tokenizer.
//
//	TOKEN-1  Two kinds are known: "llama" (SentencePiece: pieces with scores, unknown characters as bytes) and "gpt2" (pairs of
//	         bytes merged by rank, within words that a splitter cuts first). Others are Unsupported.
//	TOKEN-2  Encode takes any bytes. Where the vocabulary has all 256 bytes, Decode gives them back, unless the tokenizer puts a
//	         space in front, which Decode then takes away.
//	TOKEN-3  A control token in a text is a token only where the caller says so; in what a user wrote it is letters.
//	TOKEN-4  Encoding takes time of order n log n, whatever the text.
//	TOKEN-5  Canonical holds all that tokens and texts depend on, beside the letters, numbers and spaces of Unicode 15.0.
//
// A Stream decodes token by token and keeps back the bytes of a character until it is whole. A Template puts a
// conversation into the form that a model was trained on.
//
//	t, err := token.New(file)
//	ids := t.Encode("Once upon a time", token.Text)
//	s := t.Stream()
//	fmt.Print(s.Next(id))
package token
