// Package inference serves models to programs over HTTP, in the forms that they speak already: OpenAI's for language
// models, and the Open Inference Protocol (KServe v2) for networks of tensors.
//
//	INFER-1  The same model, request and seed give the same bytes, streamed or not, alone or among others, and a verifier who
//	         has them accepts the answer (LM-8). A request without a seed is told the one that was drawn.
//	INFER-2  A stream's pieces are the parts of the answer that is given without streaming. What may be the beginning of a
//	         stop text, or of a character, is kept back until it is known.
//	INFER-3  A parameter that is unknown, or known and not provided, is refused, unless its value changes nothing.
//	INFER-4  Everything waits in a queue of a named length and is refused beyond it (429 with Retry-After). Bodies, answers,
//	         times and memory have limits; a caller who reads or sends too slowly is dropped, and what was computed for
//	         a caller who has gone is stopped at the next step.
//	INFER-5  Each answer says its class in X-Aiwork-Class: "exact" is computed here, to the bit; "tolerant" comes from another
//	         server. One name never has both.
//	INFER-6  Who may call: loopback by default; hosts and origins are checked, so that no web page calls behind its reader's
//	         back; with a key, only who shows it. Where this server calls out it goes where the operator said, and nowhere else.
//
// Nouns: a Language is a language model with its scheduler. A Fault is a refusal, worded in the form of the interface that was
// asked. Limits bound everything; see DefaultLimits.
//
//	l, err := inference.LoadLanguage(path, file, inference.LanguageOptions{...})
//	s, err := inference.Listen(inference.Options{Listen: "127.0.0.1:0", Languages: []*inference.Language{l}, ...})
//	err = s.Run(ctx)
//
// cmd/aiwork-node serve calls this package. docs/inference.md is its manual.
package inference
