package inference

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
)

const textsMax = 256 // of one request for embeddings

// An embedding is one text's vector. Its numbers are a list, or their bytes in base64.
type embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	Vector any    `json:"embedding"`
}

type embeddings struct {
	Object string      `json:"object"`
	Data   []embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	} `json:"usage"`
}

// An embedAsk is a request for vectors of texts.
type embedAsk struct {
	texts  [][]int32
	pool   lm.Pool
	base64 bool
}

// embed answers with one vector of length 1 for each text.
func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	s.language(w, r, func(l *Language, f *form) {
		ctx, cancel := withTimeout(r, s.opts.Limits.AnswerTimeout)
		defer cancel()
		a, fault := readEmbed(ctx, f, l)
		if fault == nil {
			var out *embeddings
			if out, fault = l.embed(ctx, a); fault == nil {
				s.metrics.answered(out.Usage.Prompt, 0)
				w.Header().Set(classHeader, classExact)
				s.writeJSON(w, http.StatusOK, out)
				return
			}
		}
		s.refuse(w, r, fault)
	})
}

func readEmbed(ctx context.Context, f *form, l *Language) (*embedAsk, *Fault) {
	a := &embedAsk{pool: lm.PoolMean}
	raw, _ := f.take("input")
	encoding, pooling := f.text("encoding_format"), f.text("pooling")
	switch encoding {
	case "", "float":
	case "base64":
		a.base64 = true
	default:
		f.refuse(wrong("encoding_format", "encoding_format is %.16q, want float or base64", encoding))
	}
	switch pooling {
	case "", "mean":
	case "last":
		a.pool = lm.PoolLast
	default:
		f.refuse(wrong("pooling", "pooling is %.16q, want mean or last", pooling))
	}
	if n := f.whole("dimensions", int64(l.file.Shape.Dim), 1, 1<<20); int(n) != l.file.Shape.Dim {
		f.refuse(wrong("dimensions", "dimensions: vectors of %s have %d numbers, and a part of them means nothing", l.name, l.file.Shape.Dim))
	}
	f.ignore("user")
	if fault := f.done(); fault != nil {
		return nil, fault
	}
	if l.ordered {
		return nil, faultf(http.StatusNotImplemented, "not_implemented", "%s answers by paid jobs, which give texts: serve it by --gguf for embeddings", l.name)
	}
	return a, a.readTexts(ctx, raw, l)
}

// readTexts takes one text or a list of tokens, or a list of these.
func (a *embedAsk) readTexts(ctx context.Context, raw json.RawMessage, l *Language) *Fault {
	var list []json.RawMessage
	var tokens []int32
	if json.Unmarshal(raw, &tokens) == nil || json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	if len(list) == 0 || len(list) > textsMax {
		return wrong("input", "%d texts, want 1 to %d", len(list), textsMax)
	}
	for _, one := range list {
		text, tokens, ok := oneText(one)
		if !ok {
			return wrong("input", "input: want a text, a list of tokens, or a list of one of these")
		}
		if tokens == nil {
			var fault *Fault
			if tokens, fault = l.encode(ctx, token.Part{Text: text}); fault != nil {
				return fault
			}
		}
		if room := l.answerRoom(0); len(tokens) == 0 || len(tokens) > room {
			return wrong("input", "a text of %d tokens, %s takes 1 to %d", len(tokens), l.name, room)
		}
		a.texts = append(a.texts, tokens)
	}
	return nil
}

// embed has the texts read one after the other; others who ask share the steps.
func (l *Language) embed(ctx context.Context, a *embedAsk) (*embeddings, *Fault) {
	out := &embeddings{Object: "list", Data: []embedding{}, Model: l.name}
	for i, tokens := range a.texts {
		var vector []float32
		fault := l.draw(ctx, lm.Request{Prompt: tokens, Pool: a.pool}, func(e lm.Event) bool {
			vector = e.Vector
			return false
		})
		if fault != nil {
			return nil, fault
		}
		out.Data = append(out.Data, embedding{"embedding", i, a.form(vector)})
		out.Usage.Prompt += len(tokens)
	}
	out.Usage.Total = out.Usage.Prompt
	return out, nil
}

// form writes a vector as the caller wants it.
func (a *embedAsk) form(vector []float32) any {
	if !a.base64 {
		return vector
	}
	var b []byte
	for _, v := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(b)
}
