package inference

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
)

// An ask is what completions and conversations have in common.
type ask struct {
	request  lm.Request
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
	penaltyHigh      = 100
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

func (a *ask) readSampling(f *form) {
	s := &a.request.Sampling
	s.Temperature = float32(f.number("temperature", temperatureUsual, 0, temperatureMax))
	share, err := lm.ShareOf(f.number("top_p", 1, 0, 1))
	if err == nil && share == 0 {
		share = 1 // the likeliest alone; 0 parts would mean all
	}
	s.TopPPpm = share
	s.TopK = int(f.whole("top_k", 0, -1, lm.VocabMax))
	s.TopK = max(s.TopK, 0) // some clients write all as -1
	s.Penalty = float32(f.number("repetition_penalty", 1, penaltyLow, penaltyHigh))
	seed, there := f.seed("seed")
	if !there {
		seed = drawnSeed()
	}
	s.Seed, a.seed = seed, seed
	if err := s.Check(); err != nil {
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
	return nil
}

// A piece is a part of an answer as it is told.
type piece struct {
	text   string
	tokens []int32 // drawn for it, those that end the answer and those of stop texts among them
}

// An outcome is how an answer ended.
type outcome struct {
	finish string // "stop" or "length"
	tokens int    // that were drawn
}

// speak draws an answer and tells it piece by piece. How the tokens arrive changes no piece's text: a token is told, and
// counted, before the next is looked at. An error of tell ends the answer.
func (l *Language) speak(ctx context.Context, a *ask, s *token.Stream, tell func(piece) error) (o outcome, fault *Fault) {
	stop := stops{texts: a.stops}
	var broken error
	found := false
	end, fault := l.draw(ctx, a.request, func(t int32) bool {
		o.tokens++
		text := ""
		if !slices.Contains(a.request.Stop, t) {
			text = s.Next(t)
		}
		text, found = stop.next(text)
		broken = tell(piece{text, []int32{t}})
		return broken == nil && !found
	})
	if fault == nil && broken != nil {
		fault = faultf(statusClientGone, "cancelled", "%v", broken)
	}
	if fault != nil {
		return o, fault
	}
	o.finish = "stop"
	if end != lm.EndStop {
		o.finish = "length"
	}
	if !found {
		o.finish = l.tellRest(&stop, s, o.finish, tell)
	}
	return o, nil
}

// tellRest tells what was kept back by the decoder and by stop texts.
func (l *Language) tellRest(stop *stops, s *token.Stream, finish string, tell func(piece) error) string {
	text, found := stop.next(s.End())
	if found {
		finish = "stop"
	} else {
		text += stop.end()
	}
	if text != "" {
		_ = tell(piece{text: text}) // its error is that of a caller who has everything but this
	}
	return finish
}
