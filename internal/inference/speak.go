package inference

import (
	"context"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
)

// speakAll draws the answers of a request at once, as far as the model has room for them.
func (l *Language) speakAll(ctx context.Context, asks []*ask, tell func(int, piece) error, ended func(int, outcome) error) *Fault {
	if len(asks) == 1 {
		o, fault := l.speak(ctx, asks[0], func(p piece) error { return tell(0, p) })
		if fault == nil && ended(0, o) != nil {
			fault = gone()
		}
		return fault
	}
	ctx, cancel := context.WithCancel(ctx)
	type news struct {
		choice int
		piece  piece
		over   bool
		outcome
		fault *Fault
	}
	all := make(chan news)
	for i, a := range asks {
		go func() { // over once the loop below has heard so
			o, fault := l.speak(ctx, a, func(p piece) error {
				all <- news{choice: i, piece: p}
				return nil
			})
			all <- news{choice: i, over: true, outcome: o, fault: fault}
		}()
	}
	var first *Fault
	note := func(fault *Fault) {
		if first == nil && fault != nil {
			first = fault
			cancel() // the others end at their next step
		}
	}
	for left := len(asks); left > 0; {
		n := <-all
		if n.over {
			left--
			note(n.fault)
		}
		if first != nil {
			continue
		}
		var err error
		if n.over {
			err = ended(n.choice, n.outcome)
		} else {
			err = tell(n.choice, n.piece)
		}
		if err != nil {
			note(gone())
		}
	}
	cancel()
	return first
}

func gone() *Fault { return faultf(statusClientGone, "cancelled", "the caller has gone") }

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
