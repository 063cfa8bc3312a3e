// Package pass describes one run of a language model over some tokens, up to the draw of the next one, as a network: a list of
// operators over numbered values that follows from the model's shape, the number of tokens and how the token is drawn. So
// whoever knows a model's id alone can be shown any operator of it, and a dispute about an answer ends at one tile of one of them.
//
// Nouns. A Shape is what LANG-1 says first of a model. A Tensor is one of the model's, by the leaf that stands for it under
// the id; tensors have places, whether a model has them or not. A Draw is how a token is drawn. A Pass is all three with a
// number of tokens; its operators are those of package tile from tile.LanguageSet on.
//
//	PASS-1: value 0 is the tokens, Int32; then one for each place of a tensor; then what operators make, in order.
//	PASS-2: operators stand in this order: Lookup; for each layer Norm, Quantise, three Products (queries, keys, values), Rotate of
//	        queries and of keys, Scores, Weights, Mix, Quantise, Product, Add, Norm, Quantise, two Products (gate, up), Gate,
//	        Quantise, Product, Add; then Norm of the last row, Quantise, Product; then the draw. Quantise is left out where rows
//	        are no multiple of 32 long.
//	PASS-3: the draw: Penalise unless the penalty is 0 or 1; Best, which is the end at temperature 0; Weigh; Order, Total and Keep where
//	        top-k or top-p leave something out; Total; Pick. The token is the first output of the last operator.
//	PASS-4: a product reads whole numbers and scales where its weights are in blocks, floats otherwise. A tensor that a model may
//	        lack, and lacks, is an operand that is left out; a model without an output matrix has that of the tokens.
//
// The package is pure. Callers: compute/lm, which runs passes; compute/language, which names models; tasks/dispute.
package pass
