package inference

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"

	"github.com/aiwork/aiwork-node/compute/lm"
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
		timeout := s.opts.Limits.AnswerTimeout
		if l.ordered {
			timeout = s.opts.Limits.JobTimeout
		}
		ctx, cancel := withTimeout(r, timeout)
		defer cancel()
		a, fault := readEmbed(ctx, f, l)
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		var vectors [][]float32
		if l.ordered {
			vectors, fault = s.orderVectors(ctx, w, l, a)
		} else {
			vectors, fault = l.embed(ctx, a)
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		out := a.words(l, vectors)
		s.metrics.answered(out.Usage.Prompt, 0)
		w.Header().Set(classHeader, classExact)
		s.writeJSON(w, http.StatusOK, out)
	})
}

// words gives vectors as OpenAI does.
func (a *embedAsk) words(l *Language, vectors [][]float32) *embeddings {
	out := &embeddings{Object: "list", Data: []embedding{}, Model: l.name}
	for i, v := range vectors {
		out.Data = append(out.Data, embedding{"embedding", i, a.form(v)})
		out.Usage.Prompt += len(a.texts[i])
	}
	out.Usage.Total = out.Usage.Prompt
	return out
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
	if raw == nil {
		return nil, wrong("input", "an input is wanted")
	}
	var fault *Fault
	if a.texts, fault = readTexts(ctx, "input", raw, textsMax, l); fault != nil {
		return nil, fault
	}
	return a, a.fit(l)
}

// fit refuses texts that the model cannot read.
func (a *embedAsk) fit(l *Language) *Fault {
	for _, tokens := range a.texts {
		if room := l.answerRoom(0); len(tokens) == 0 || len(tokens) > room {
			return wrong("input", "a text of %d tokens, %s takes 1 to %d", len(tokens), l.name, room)
		}
	}
	return nil
}

// embed has the texts read one after the other; others who ask share the steps.
func (l *Language) embed(ctx context.Context, a *embedAsk) (vectors [][]float32, fault *Fault) {
	for _, tokens := range a.texts {
		fault := l.draw(ctx, lm.Request{Prompt: tokens, Pool: a.pool}, func(e lm.Event) bool {
			vectors = append(vectors, e.Vector)
			return false
		})
		if fault != nil {
			return nil, fault
		}
	}
	return vectors, nil
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
