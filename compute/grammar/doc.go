// Package grammar limits what a language model may say to texts of a form: which tokens may come next follows from the bytes so far.
//
// Nouns: JSON is a machine over bytes that has read the beginning of a JSON object; Vocabulary is the texts of a model's tokens, in an order
// in which those with the same beginning share the work; Answer is what one answer has come to.
//
//	v := grammar.NewVocabulary(texts.Len(), texts.Piece)
//	a := v.Answer(texts.Ends())
//	if a.Mask(logits) { ... draw a token ...; a.Take(token) }
//
// The same tokens always leave the same ones: a masked answer is as repeatable as any. internal/inference serves JSON mode by it.
package grammar
