package inference

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
)

// An ask is what completions and conversations have in common.
type ask struct {
	request  lm.Request
	prompt   language.Prompt // the same in the form of an item
	stops    []string
	stream   bool
	usage    bool // tell it at the end of a stream
	tokenIDs bool // tell the tokens' numbers, with which an answer can be verified
	seed     uint64
	each     int  // answers to each prompt
	json     bool // an answer is a JSON object
}

const (
	choicesMax       = 32 // answers to one request
	stopTextsMax     = 16
	stopBytesMax     = 256
	jsonWhole        = 1<<53 - 1 // the largest seed that every JSON reader keeps
	temperatureUsual = 1
	temperatureMax   = 2
	penaltyLow       = 0.01
	penaltyHigh      = 16
)

// readAsk takes the parameters that completions and conversations share. What would change an answer and is not provided
// is refused (INFER-3).
func readAsk(f *form) (a ask) {
	a.stream, a.tokenIDs = f.flag("stream"), f.flag("return_token_ids")
	a.stops = readStops(f)
	a.readStreamOptions(f)
	a.readSampling(f)
	a.readStopTokens(f)
	a.readFormat(f)
	a.each = int(f.whole("n", 1, 1, choicesMax))
	f.only("frequency_penalty", "0", "0.0")
	f.only("presence_penalty", "0", "0.0")
	f.only("logit_bias", "{}")
	f.only("min_p", "0", "0.0")
	f.only("typical_p", "1", "1.0")
	f.only("min_tokens", "0")
	f.only("ignore_eos", "false")
	f.ignore("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prediction")
	return a
}

// readFormat takes the form that answers are to have.
func (a *ask) readFormat(f *form) {
	if _, there := f.fields["response_format"]; !there {
		return
	}
	format := f.sub("response_format")
	switch kind := format.text("type"); kind {
	case "text":
	case "json_object":
		a.json = true
	default:
		f.refuse(&Fault{
			Status: http.StatusBadRequest, Code: "unsupported_parameter", Param: "response_format",
			Text: fmt.Sprintf("response_format: type %.32q is not provided: want text or json_object", kind),
		})
		return
	}
	f.nested("response_format", format)
}

// readStopTokens takes tokens that end an answer beside the model's own, as vLLM has them.
func (a *ask) readStopTokens(f *form) {
	f.read("stop_token_ids", "a list of tokens", &a.prompt.StopTokens)
	if len(a.prompt.StopTokens) > language.StopTokensMax {
		f.refuse(wrong("stop_token_ids", "%d stop tokens, want at most %d", len(a.prompt.StopTokens), language.StopTokensMax))
	}
}

// choices gives one ask for each answer: the i-th to a prompt draws by the seed plus i.
func (a *ask) choices(prompts [][]int32) (list []*ask) {
	for _, p := range prompts {
		for i := range a.each {
			one := *a
			one.request.Prompt, one.prompt.Tokens = p, p
			one.prompt.Seed = a.seed + uint64(i)
			one.request.Sampling.Seed = one.prompt.Seed
			list = append(list, &one)
		}
	}
	return list
}

// readSampling takes the parameters of draws, in millionths, so that an answer is the same here and from a job.
func (a *ask) readSampling(f *form) {
	p := &a.prompt
	p.TemperaturePpm = f.ppm("temperature", temperatureUsual, 0, temperatureMax)
	p.TopPPpm = max(f.ppm("top_p", 1, 0, 1), 1)                   // 0 is the likeliest alone; 0 parts would mean all
	p.TopK = uint32(max(f.whole("top_k", 0, -1, lm.VocabMax), 0)) // some clients write all as -1
	p.PenaltyPpm = f.ppm("repetition_penalty", 1, penaltyLow, penaltyHigh)
	switch n := f.whole("repeat_last_n", -1, -1, language.ReachMax); n {
	case -1: // all tokens, as 0 says it in items
	case 0:
		p.PenaltyPpm = 0
	default:
		p.PenaltyReach = uint32(n)
	}
	seed, there := f.seed("seed")
	if !there {
		seed = drawnSeed()
	}
	p.Seed, a.seed = seed, seed
	a.request.Sampling = p.Sampling()
	if err := a.request.Sampling.Check(); err != nil {
		f.refuse(wrong("temperature", "%v", err))
	}
}

func drawnSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) & jsonWhole
}

func (a *ask) readStreamOptions(f *form) {
	raw, there := f.take("stream_options")
	if !there {
		return
	}
	if !a.stream {
		f.refuse(wrong("stream_options", "stream_options: only with stream"))
		return
	}
	options := &form{}
	if json.Unmarshal(raw, &options.fields) != nil {
		f.refuse(wrong("stream_options", "stream_options: want an object"))
		return
	}
	a.usage = options.flag("include_usage")
	options.ignore("include_obfuscation")
	if fault := options.done(); fault != nil {
		f.refuse(fault)
	}
}

func readStops(f *form) (list []string) {
	raw, there := f.take("stop")
	if !there {
		return nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		list = []string{one}
	} else if json.Unmarshal(raw, &list) != nil {
		f.refuse(wrong("stop", "stop: want a text or a list of texts"))
	}
	bad := slices.ContainsFunc(list, func(t string) bool { return t == "" || len(t) > stopBytesMax })
	if bad || len(list) > stopTextsMax {
		f.refuse(wrong("stop", "stop: want at most %d texts of 1 to %d bytes", stopTextsMax, stopBytesMax))
	}
	return list
}

// readAnswerLen takes the length of the answer under its names; 0 is none given.
func readAnswerLen(f *form, limits Limits, names ...string) (n int) {
	for _, name := range names {
		given := int(f.whole(name, 0, 1, int64(limits.AnswerTokensMax)))
		if n > 0 && given > 0 && given != n {
			f.refuse(wrong(name, "%s differs from %s", name, names[0]))
		}
		n = max(n, given)
	}
	return n
}

// fit gives an answer's length its bounds: usual where the caller named none, and never more than model and cache hold.
func (a *ask) fit(l *Language, given, usual int) *Fault {
	room := l.answerRoom(len(a.request.Prompt))
	switch {
	case len(a.request.Prompt) == 0:
		return wrong("prompt", "the prompt is empty")
	case room < 1:
		return &Fault{
			Status: http.StatusBadRequest, Code: "context_length_exceeded", Param: "prompt",
			Text: wrong("", "the prompt has %d tokens, %s takes %d with the answer", len(a.request.Prompt), l.name, room+len(a.request.Prompt)).Text,
		}
	case given > room:
		return &Fault{
			Status: http.StatusBadRequest, Code: "context_length_exceeded", Param: "max_tokens",
			Text: wrong("", "%d tokens are asked for, the prompt leaves room for %d", given, room).Text,
		}
	case given == 0:
		given = min(usual, room)
	}
	a.request.TokensMax = given
	for param, list := range map[string][]int32{"prompt": a.request.Prompt, "stop_token_ids": a.prompt.StopTokens} {
		for _, t := range list {
			if t < 0 || int(t) >= l.file.Shape.Vocab {
				return wrong(param, "%s: %s has no token %d", param, l.name, t)
			}
		}
	}
	a.request.Stop = append(l.texts.Ends(), a.prompt.StopTokens...)
	a.prompt.TokensMax, a.prompt.StopTexts = given, a.stops
	if a.json && l.ordered {
		return wrong("response_format", "response_format: a job's answers have no form: ask a server that runs %s itself", l.name)
	}
	if a.json {
		a.request.Form = l.pieces().Answer(a.request.Stop)
	}
	return nil
}

// A piece is a part of an answer as it is told.
type piece struct {
	text  string
	drawn []lm.Event // for it, those that end the answer and those of stop texts among them
}

// A speaker makes the answers of a request and tells each piece by piece, then how it ended. It tells one thing at a time. An error of tell
// ends all.
type speaker func(ctx context.Context, asks []*ask, tell func(choice int, p piece) error, ended func(choice int, o outcome) error) *Fault

// An outcome is how an answer ended.
type outcome struct {
	finish string // "stop" or "length"
	tokens int    // that were drawn
}
