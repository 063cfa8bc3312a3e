package inference

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
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
}

const (
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
	f.only("n", "1")
	f.only("frequency_penalty", "0", "0.0")
	f.only("presence_penalty", "0", "0.0")
	f.only("logit_bias", "{}")
	f.only("min_p", "0", "0.0")
	f.only("ignore_eos", "false")
	f.ignore("user", "metadata", "safety_identifier", "prompt_cache_key")
	return a
}

// readSampling takes the parameters of draws, in millionths, so that an answer is the same here and from a job.
func (a *ask) readSampling(f *form) {
	p := &a.prompt
	p.TemperaturePpm = f.ppm("temperature", temperatureUsual, 0, temperatureMax)
	p.TopPPpm = max(f.ppm("top_p", 1, 0, 1), 1)                   // 0 is the likeliest alone; 0 parts would mean all
	p.TopK = uint32(max(f.whole("top_k", 0, -1, lm.VocabMax), 0)) // some clients write all as -1
	p.PenaltyPpm = f.ppm("repetition_penalty", 1, penaltyLow, penaltyHigh)
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
	a.request.Stop = l.texts.Ends()
	a.prompt.TokensMax, a.prompt.StopTexts = given, a.stops
	return nil
}

// A piece is a part of an answer as it is told.
type piece struct {
	text  string
	drawn []lm.Event // for it, those that end the answer and those of stop texts among them
}

// An outcome is how an answer ended.
type outcome struct {
	finish string // "stop" or "length"
	tokens int    // that were drawn
}

// speak draws an answer and tells it piece by piece. How the tokens arrive changes no piece's text: a token is told, and
// counted, before the next is looked at. An error of tell ends the answer.
func (l *Language) speak(ctx context.Context, a *ask, tell func(piece) error) (o outcome, fault *Fault) {
	teller := language.NewTeller(l.texts, a.request.Stop, a.stops)
	var broken error
	end := language.Goes
	fault = l.draw(ctx, a.request, func(e lm.Event) bool {
		o.tokens++
		var text string
		text, end = teller.Next(e.Token)
		broken = tell(piece{text, []lm.Event{e}})
		return broken == nil && end == language.Goes
	})
	if fault == nil && broken != nil {
		fault = faultf(statusClientGone, "cancelled", "%v", broken)
	}
	if fault != nil {
		return o, fault
	}
	if end == language.Goes {
		end = language.EndLength
	}
	text, end := teller.Rest(end)
	if text != "" {
		_ = tell(piece{text: text}) // its error is that of a caller who has everything but this
	}
	o.finish = finishOf(end)
	return o, nil
}

// finishOf words an end as OpenAI does.
func finishOf(end language.End) string {
	if end == language.EndLength {
		return "length"
	}
	return "stop"
}
