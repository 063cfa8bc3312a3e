package requester

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Answer gives an output's bytes, from the node's blobs if need be, checked against what the worker was paid for.
func (o *Output) Answer(ctx context.Context, c *client.Client) ([]byte, error) {
	if o.Blob == nil {
		return o.Bytes, nil
	}
	var text *string
	if err := c.Call(ctx, &text, "aiwork_getBlob", *o.Blob); err != nil {
		return nil, err
	}
	if text == nil {
		return nil, fmt.Errorf("result %s: the node cannot find it; results are kept for some minutes after a job has closed", o.Blob)
	}
	data, err := base64.StdEncoding.DecodeString(*text)
	if err != nil || blake3.Sum256(data) != *o.Blob {
		return nil, fmt.Errorf("result %s: the node sent other bytes: ask another one", o.Blob)
	}
	return data, nil
}

// Fetch gives an output's tensors.
func (o *Output) Fetch(ctx context.Context, c *client.Client) ([]*tensor.Tensor, error) {
	data, err := o.Answer(ctx, c)
	if err != nil {
		return nil, err
	}
	list, err := net.DecodeList(data, job.ResultBytesMax)
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	var out []*tensor.Tensor
	for i := range list {
		t, err := lower.TensorOf(list[i].Type, list[i].Shape, list[i].Bytes)
		if err != nil {
			return nil, fmt.Errorf("result: tensor %d: %w", i, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// fetchAnswers brings the answers of pipelines and language models into a result. Those that are not to be had are left out: the job may be long over.
func (r *Result) fetchAnswers(ctx context.Context, c *client.Client) error {
	if r.form != outputJSON && r.form != outputText {
		return nil
	}
	for i := range r.Items {
		l := &r.Items[i]
		if l.Output == nil {
			continue
		}
		b, err := l.Output.Answer(ctx, c)
		if ctx.Err() != nil {
			return err
		}
		switch {
		case err != nil:
		case r.form == outputText:
			l.Said = said(b)
		default:
			l.readPipeline(b)
		}
	}
	return nil
}

// readPipeline takes a pipeline's result apart.
func (l *Line) readPipeline(result []byte) {
	trace, answer, err := pipeline.DecodeResult(result)
	if err == nil && json.Valid(answer) {
		l.Trace, l.Answer = &trace, answer
	}
}

// A Said is what a language model has answered.
type Said struct {
	Text         string    `json:"text"`
	End          string    `json:"end"` // token, text, length, or vector where that was wanted
	PromptTokens int       `json:"promptTokens"`
	Tokens       []int32   `json:"tokens"`
	Likelihoods  []Likely  `json:"logprobs,omitempty"` // of the tokens, where they were wanted
	Vector       []float32 `json:"vector,omitempty"`
}

// A Likely is a token with the logarithm of its likelihood, and the likeliest in its place.
type Likely struct {
	Token   int32    `json:"token"`
	Logprob float32  `json:"logprob"`
	Top     []Likely `json:"top,omitempty"`
}

// said reads a language model's answer; nil for what is none.
func said(result []byte) *Said {
	a, err := language.DecodeAnswer(result)
	if err != nil {
		return nil
	}
	s := &Said{Text: a.Text, End: a.End.String(), PromptTokens: a.PromptTokens, Tokens: a.Tokens}
	for i, l := range a.Likelihoods {
		told := Likely{Token: a.Tokens[i], Logprob: finite(l.Logprob)}
		for _, t := range l.Top {
			told.Top = append(told.Top, Likely{Token: t.Token, Logprob: finite(t.Logprob)})
		}
		s.Likelihoods = append(s.Likelihoods, told)
	}
	for _, v := range a.Vector {
		s.Vector = append(s.Vector, finite(v))
	}
	return s
}

// words is what is shown to people: the text, or the beginning of a vector; --json has all of it.
func (s *Said) words() string {
	if len(s.Vector) == 0 {
		return s.Text
	}
	return fmt.Sprintf("%d numbers: %.4f ...", len(s.Vector), s.Vector[:min(len(s.Vector), vectorShown)])
}

const vectorShown = 4

// finite gives a number that JSON can hold; a worker that is not honest may have written any.
func finite(v float32) float32 {
	if v-v != 0 {
		return -math.MaxFloat32
	}
	return v
}
