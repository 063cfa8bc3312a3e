package pass

import "github.com/aiwork/aiwork-node/internal/codec"

// Limits of an item and of an answer that a dispute may be about. LANG-3 allows more.
const (
	ItemBytesMax   = 1 << 16
	AnswerBytesMax = 1 << 16
	listMax        = ItemBytesMax / 4 // tokens; parts of a text
	stopsMax       = 16
	stopBytesMax   = 256
)

const (
	itemVersion                      = 2
	answerVersion                    = 2
	wantsAnswer                      = 0
	wantsChances                     = 1 // an answer too
	topMax                           = 20
	formTokens                       = 1
	formParts                        = 2
	endVector                        = 4
	temperatureMax, temperatureLeast = 16_000_000, 1_000
	penaltyMax, penaltyLeast         = 16_000_000, 10_000
	topKMax                          = 1 << 19
	reachMax                         = 1 << 20
	answerMax                        = 1 << 14
)

// An Item is what LANG-2 says of an answer that is wanted, as far as its tokens follow from it.
type Item struct {
	Tokens []uint32 // to continue; none where the item gives a text, of which a tokenizer makes them
	Draw   Draw
}

// DecodeItem reads an item that wants an answer. Of another one, or of one that is not canonical, nothing can be claimed.
func DecodeItem(b []byte) (it Item, err error) {
	r := codec.NewReader(b)
	version, wants, top, form := r.U8(), r.U8(), r.U8(), r.U8()
	parts := 0
	switch form {
	case formTokens:
		it.Tokens = readTokens(r, listMax)
	case formParts:
		for range r.Count(listMax) {
			r.U8()
			r.Bytes(ItemBytesMax)
			parts++
		}
	}
	most := r.U32()
	it.Draw.Seed = r.U64()
	for _, n := range it.Draw.numbers() {
		*n = r.U32()
	}
	readTokens(r, stopsMax)
	for range r.Count(stopsMax) {
		r.Bytes(stopBytesMax)
	}
	if r.End() != nil || len(b) > ItemBytesMax || version != itemVersion || wants > wantsChances || top > topMax || most < 1 || most > answerMax ||
		(len(it.Tokens) > 0) == (parts > 0) || !it.Draw.fits() {
		return Item{}, ErrItem
	}
	return it, nil
}

func readTokens(r *codec.Reader, most int) (list []uint32) {
	for range r.Count(most) {
		list = append(list, r.U32())
	}
	return list
}

// fits holds the numbers of a draw to LANG-2.
func (d *Draw) fits() bool {
	return (d.TemperaturePpm == 0 || d.TemperaturePpm >= temperatureLeast && d.TemperaturePpm <= temperatureMax) &&
		(d.PenaltyPpm == 0 || d.PenaltyPpm >= penaltyLeast && d.PenaltyPpm <= penaltyMax) &&
		d.TopK <= topKMax && d.TopPPpm <= ppm && d.PenaltyReach <= reachMax
}

// An Answer is what LANG-4 says of the tokens of a result.
type Answer struct {
	PromptTokens int
	Tokens       []uint32
}

// DecodeAnswer reads the tokens of a result; what stands behind them is not looked at.
func DecodeAnswer(b []byte) (a Answer, err error) {
	r := codec.NewReader(b)
	version, end := r.U8(), r.U8()
	a.PromptTokens = int(r.U32())
	a.Tokens = readTokens(r, answerMax)
	if r.Err() != nil || len(b) > AnswerBytesMax || version != answerVersion || end == 0 || end >= endVector || len(a.Tokens) == 0 {
		return Answer{}, ErrItem
	}
	return a, nil
}

// Agreed is the number of tokens with which two answers begin alike. There is a token in which they differ only if ok: otherwise one of them is the
// beginning of the other.
func Agreed(a, b []uint32) (n int, ok bool) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n, n < min(len(a), len(b))
}
