package llama2c

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/gguf"
)

// Kinds of tokens, by the numbers of GGUF.
const (
	kindNormal  = 1
	kindUnknown = 2
	kindControl = 3
	kindByte    = 6
)

// Vocabulary adds a tokenizer of n tokens, at least 259, whose first ones are those of all models of this kind: unknown,
// beginning, end and the 256 bytes. The other pieces are named by their numbers.
func Vocabulary(w *gguf.Writer, n int) {
	texts, scores, kinds := []string{"<unk>", "<s>", "</s>"}, make([]float32, n), []int32{kindUnknown, kindControl, kindControl}
	for b := range 256 {
		texts, kinds = append(texts, fmt.Sprintf("<0x%02X>", b)), append(kinds, kindByte)
	}
	for i := len(texts); i < n; i++ {
		texts, kinds = append(texts, fmt.Sprintf("<piece %d>", i)), append(kinds, kindNormal)
		scores[i] = -float32(i)
	}
	w.Text("tokenizer.ggml.model", "llama")
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Floats("tokenizer.ggml.scores", scores)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.unknown_token_id", 0)
	w.Uint32("tokenizer.ggml.bos_token_id", 1)
	w.Uint32("tokenizer.ggml.eos_token_id", 2)
}
