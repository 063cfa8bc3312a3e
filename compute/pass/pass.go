package pass

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Limits of a pass that a dispute may be about. Who defends an answer runs its pass by a deadline, in the memory of an engine; what takes more is
// left to the vote.
const (
	TokensMax     = 1 << 13
	LayerBytesMax = 1 << 28 // of the values of one layer, and of what all layers begin with
	WorkMax       = 1 << 40 // products
)

// LayerBytes is what the values of one layer take.
func (p *Pass) LayerBytes() int {
	s := &p.Shape
	queries, keys := s.Heads*s.HeadDim, s.KeyHeads*s.HeadDim
	floats := 6*s.Dim + 3*queries + 3*keys + 3*s.Hidden + 2*s.Heads*p.Tokens
	blocks := 2*s.Dim + queries + s.Hidden // of a byte each, and an eighth of that for scales
	return p.Tokens * (4*floats + blocks + blocks/8)
}

// Work is the number of products of a pass, but for those of the output matrix.
func (p *Pass) Work() int {
	s := &p.Shape
	queries, keys := s.Heads*s.HeadDim, s.KeyHeads*s.HeadDim
	return s.Layers * p.Tokens * (2*s.Dim*queries + 2*s.Dim*keys + 3*s.Dim*s.Hidden + p.Tokens*queries)
}

// fits holds a pass to the limits. Sizes of a shape are small enough for none of the numbers to overflow.
func (p *Pass) fits() bool {
	return p.Tokens >= 1 && p.Tokens <= min(TokensMax, p.Shape.Context) && p.LayerBytes() <= LayerBytesMax &&
		4*p.Shape.Layers*p.Tokens*p.Shape.Dim <= LayerBytesMax && p.Work() <= WorkMax
}

// A Draw is how a token is drawn (LM-7), in the whole numbers of LANG-2.
type Draw struct {
	TemperaturePpm, TopK, TopPPpm, PenaltyPpm, PenaltyReach uint32
	Seed                                                    uint64
}

// A Pass is one run of a model over tokens, and the draw of the next.
type Pass struct {
	Shape  Shape
	Tokens int
	Draw   Draw
}

// Encode gives the bytes that stand for what a pass is beside the model's shape.
func (p *Pass) Encode() []byte {
	w := codec.NewWriter(32)
	w.U32(uint32(p.Tokens))
	for _, n := range p.Draw.numbers() {
		w.U32(*n)
	}
	w.U64(p.Draw.Seed)
	return w.Out()
}

func (d *Draw) numbers() []*uint32 {
	return []*uint32{&d.TemperaturePpm, &d.TopK, &d.TopPPpm, &d.PenaltyPpm, &d.PenaltyReach}
}

// Decode reads what Encode wrote, for a model of a shape. It does not look at what LANG-2 allows.
func Decode(s Shape, b []byte) (p Pass, err error) {
	r := codec.NewReader(b)
	p.Shape, p.Tokens = s, int(r.U32())
	for _, n := range p.Draw.numbers() {
		*n = r.U32()
	}
	p.Draw.Seed = r.U64()
	if r.End() != nil || !p.fits() {
		return Pass{}, ErrShape
	}
	return p, nil
}

const (
	ppm      = 1_000_000
	blockLen = 32
)

// ofPpm is n ppm as LANG-2 has them.
func ofPpm(n uint32) uint32 { return uint32(soft.Div(soft.FromUint(uint64(n)), soft.FromInt(ppm))) }

// A part is an operator whose weights are not known yet.
type part struct {
	name    string
	in      []net.Value
	attrs   []net.Attr // those of weights are left out
	weights []weight
	made    int
}

// A weight is an operand that is a tensor of the model.
type weight struct {
	port  int
	attr  string // that says what it is
	place int
	may   bool // the model may lack it
}

// A list is operators as they are made one after the other.
type list struct {
	pass *Pass
	next net.Value // that the next operator makes
	ops  []part
}

func (l *list) add(p part) net.Value {
	v := l.next
	l.ops = append(l.ops, p)
	l.next += net.Value(p.made)
	return v
}

func (l *list) plain(name string, attrs []net.Attr, in ...net.Value) net.Value {
	return l.add(part{name: name, in: in, attrs: attrs, made: 1})
}

// Rows are the values that stand for the same rows: as floats, and in blocks where they have those.
type Rows struct{ Float, Whole, Scale net.Value }

// quantise makes blocks of rows of a length.
func (l *list) quantise(v net.Value, columns int) Rows {
	r := Rows{v, net.None, net.None}
	if columns%blockLen == 0 {
		r.Whole = l.add(part{name: tile.LMQuantise, in: []net.Value{v}, made: 2})
		r.Scale = r.Whole + 1
	}
	return r
}

func (l *list) norm(x net.Value, place int, last bool) net.Value {
	attrs := []net.Attr{{Name: "epsilon", Kind: net.KindFloat, Float: l.pass.Shape.Epsilon}}
	if last {
		attrs = append(attrs, whole("last", 1))
	}
	return l.add(part{
		name: tile.LMNorm, in: []net.Value{x, net.None}, attrs: attrs, made: 1,
		weights: []weight{{port: 1, attr: "weights", place: place}},
	})
}

// product multiplies rows with a matrix; bias is the place of one, 0 for none.
func (l *list) product(r Rows, matrix weight, bias int) net.Value {
	matrix.port, matrix.attr = 3, "weights"
	p := part{name: tile.LMProduct, in: []net.Value{r.Float, r.Whole, r.Scale, net.None, net.None}, weights: []weight{matrix}, made: 1}
	if bias > 0 {
		p.weights = append(p.weights, weight{port: 4, attr: "bias", place: bias, may: true})
	}
	return l.add(p)
}

func (l *list) rotate(x net.Value) net.Value {
	s := &l.pass.Shape
	attrs := []net.Attr{
		{Name: "base", Kind: net.KindFloat, Float: s.RotateBase},
		whole("dims", int64(s.RotateDims)), whole("halves", truth(s.RotateHalves)),
		whole("head", int64(s.HeadDim)),
		{Name: "positions", Kind: net.KindFloat, Float: s.RotatePositions},
	}
	return l.add(part{
		name: tile.LMRotate, in: []net.Value{x, net.None}, attrs: attrs, made: 1,
		weights: []weight{{port: 1, attr: "factors", place: placeFactors, may: true}},
	})
}

func whole(name string, n int64) net.Attr { return net.Attr{Name: name, Kind: net.KindInt, Int: n} }

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// A Layer is the values that a layer makes, in order.
type Layer struct {
	Normed                 Rows
	Query, Key, Value      net.Value
	TurnedQuery, TurnedKey net.Value
	Scores, Weights        net.Value
	Mixed                  Rows
	Attended, Middle       net.Value
	NormedAgain            Rows
	Gate, Up               net.Value
	Gated                  Rows
	Down, Out              net.Value
}

// layer adds the operators of a layer that begins with rows x.
func (l *list) layer(index int, x net.Value) (v Layer) {
	s := &l.pass.Shape
	at := func(place int) weight { return weight{place: placesBefore + index*placesLayer + place} }
	heads := []net.Attr{whole("head", int64(s.HeadDim)), whole("heads", int64(s.Heads)), whole("keys", int64(s.KeyHeads))}
	v.Normed = l.quantise(l.norm(x, at(placeAttentionNorm).place, false), s.Dim)
	v.Query = l.product(v.Normed, at(placeQuery), at(placeQueryBias).place)
	v.Key = l.product(v.Normed, at(placeKey), at(placeKeyBias).place)
	v.Value = l.product(v.Normed, at(placeValue), at(placeValueBias).place)
	v.TurnedQuery, v.TurnedKey = l.rotate(v.Query), l.rotate(v.Key)
	v.Scores = l.plain(tile.LMScores, heads, v.TurnedQuery, v.TurnedKey)
	v.Weights = l.plain(tile.LMWeights, nil, v.Scores)
	v.Mixed = l.quantise(l.plain(tile.LMMix, heads, v.Weights, v.Value), s.Heads*s.HeadDim)
	v.Attended = l.product(v.Mixed, at(placeAttention), 0)
	v.Middle = l.plain("Add", nil, x, v.Attended)
	v.NormedAgain = l.quantise(l.norm(v.Middle, at(placeForwardNorm).place, false), s.Dim)
	v.Gate, v.Up = l.product(v.NormedAgain, at(placeGate), 0), l.product(v.NormedAgain, at(placeUp), 0)
	v.Gated = l.quantise(l.plain(tile.LMGate, nil, v.Gate, v.Up), s.Hidden)
	v.Down = l.product(v.Gated, at(placeDown), 0)
	v.Out = l.plain("Add", nil, v.Middle, v.Down)
	return v
}

// An End is the values behind the last layer. Those that a draw does not make are None; Token is one of them.
type End struct {
	Normed               Rows
	Logits, Penalised    net.Value
	Best, Top            net.Value
	Weights              net.Value
	Places, Before, Some net.Value // Some is the total that top-k leaves
	Kept, Total          net.Value
	Token                net.Value
}

// end adds the operators behind the last layer.
func (l *list) end(x net.Value) (v End) {
	s, d := &l.pass.Shape, &l.pass.Draw
	v = End{Penalised: net.None, Weights: net.None, Places: net.None, Before: net.None, Some: net.None, Kept: net.None, Total: net.None}
	v.Normed = l.quantise(l.norm(x, placeNorm, true), s.Dim)
	v.Logits = l.product(v.Normed, weight{place: placeOutput, may: true}, 0)
	logits := v.Logits
	if d.PenaltyPpm != 0 && d.PenaltyPpm != ppm {
		attrs := []net.Attr{{Name: "penalty", Kind: net.KindFloat, Float: ofPpm(d.PenaltyPpm)}, whole("reach", int64(d.PenaltyReach))}
		v.Penalised = l.plain(tile.LMPenalise, attrs, logits, 0)
		logits = v.Penalised
	}
	v.Best = l.add(part{name: tile.LMBest, in: []net.Value{logits}, made: 2})
	v.Top, v.Token = v.Best+1, v.Best
	if d.TemperaturePpm > 0 {
		l.sample(&v, logits)
	}
	return v
}

// sample adds the operators of a draw above temperature 0.
func (l *list) sample(v *End, logits net.Value) {
	d := &l.pass.Draw
	v.Weights = l.plain(tile.LMWeigh, []net.Attr{{Name: "temperature", Kind: net.KindFloat, Float: ofPpm(d.TemperaturePpm)}}, logits, v.Top)
	kept := v.Weights
	if most, share, cut := d.cut(); cut {
		v.Places = l.add(part{name: tile.LMOrder, in: []net.Value{logits, v.Weights}, made: 2})
		v.Before = v.Places + 1
		v.Some = l.plain(tile.LMTotal, []net.Attr{whole("most", most)}, v.Weights, v.Places)
		v.Kept = l.plain(tile.LMKeep, []net.Attr{whole("most", most), whole("share", share)}, v.Weights, v.Places, v.Before, v.Some)
		kept = v.Kept
	}
	v.Total = l.plain(tile.LMTotal, nil, kept)
	v.Token = l.plain(tile.LMPick, []net.Attr{whole("before", int64(l.pass.Tokens)), whole("seed", int64(d.Seed))}, kept, v.Total, v.Best, v.Top)
}

// cut says how many tokens top-k keeps at most, and which share top-p, and whether that leaves something out.
func (d *Draw) cut() (most, share int64, cut bool) {
	most, share = 1<<28, ppm
	if d.TopK > 0 {
		most, cut = int64(d.TopK), true
	}
	if d.TopPPpm > 0 && d.TopPPpm < ppm {
		share, cut = int64(d.TopPPpm), true
	}
	return most, share, cut
}

// first begins the list: the rows of the tokens.
func (p *Pass) first() (l *list, x net.Value) {
	l = &list{pass: p, next: net.Value(1 + p.Shape.Places())}
	x = l.add(part{
		name: tile.LMLookup, in: []net.Value{0, net.None}, made: 1,
		weights: []weight{{port: 1, attr: "weights", place: placeTokens}},
	})
	return l, x
}

// perLayer gives how many operators a layer has and how many values they make.
func (p *Pass) perLayer() (ops, values int) {
	l := &list{pass: p}
	l.layer(0, 0)
	return len(l.ops), int(l.next)
}

// LayerAt gives the values of a layer.
func (p *Pass) LayerAt(index int) (rows net.Value, v Layer) {
	l, x := p.layerFrom(index)
	return x, l.layer(index, x)
}

// layerFrom gives the list that goes on with a layer, and the rows that it begins with.
func (p *Pass) layerFrom(index int) (l *list, x net.Value) {
	l, x = p.first()
	l.ops = nil
	if index > 0 {
		_, values := p.perLayer()
		l.next += net.Value(values * index)
		x = l.next - 1 // the last that a layer makes
	}
	return l, x
}

// EndAt gives the values behind the last layer, and the rows that they begin with.
func (p *Pass) EndAt() (rows net.Value, v End) {
	l, x := p.layerFrom(p.Shape.Layers)
	return x, l.end(x)
}

// Values is the number of values: that behind the last.
func (p *Pass) Values() net.Value {
	l, x := p.layerFrom(p.Shape.Layers)
	l.end(x)
	return l.next
}

// Ops is the number of operators.
func (p *Pass) Ops() int {
	perLayer, _ := p.perLayer()
	l, x := p.layerFrom(p.Shape.Layers)
	l.end(x)
	return 1 + p.Shape.Layers*perLayer + len(l.ops)
}

// at gives operator i, which is below Ops, and the number of the first value that it makes.
func (p *Pass) at(i int) (part, net.Value) {
	perLayer, _ := p.perLayer()
	var l *list
	var x net.Value
	switch layer := (i - 1) / perLayer; {
	case i == 0:
		l, _ = p.first()
	case layer < p.Shape.Layers:
		l, x = p.layerFrom(layer)
		l.layer(layer, x)
		i -= 1 + layer*perLayer
	default:
		l, x = p.layerFrom(p.Shape.Layers)
		l.end(x)
		i -= 1 + p.Shape.Layers*perLayer
	}
	must.Hold(i >= 0 && i < len(l.ops), "pass: an operator beyond the last")
	first := l.next
	for j := len(l.ops) - 1; j >= i; j-- {
		first -= net.Value(l.ops[j].made)
	}
	return l.ops[i], first
}

// FirstOf gives the number of the first value that operator i makes.
func (p *Pass) FirstOf(i int) net.Value {
	_, first := p.at(i)
	return first
}

// Needs lists the places of the tensors that Op asks for, ascending.
func (p *Pass) Needs(i int) (places []int) {
	o, _ := p.at(i)
	for _, w := range o.weights {
		if w.place == placeOutput {
			places = append(places, placeTokens)
		}
		places = append(places, w.place)
	}
	return places
}

// Op gives operator i, which is below Ops. Tensors of the places that Needs lists are asked for; the error says that one is missing that a
// model must have.
func (p *Pass) Op(i int, tensor func(place int) Tensor) (net.Op, error) {
	o, _ := p.at(i)
	op := net.Op{Name: o.name, In: append([]net.Value(nil), o.in...), Attrs: o.attrs}
	for range o.made {
		op.Outs = append(op.Outs, true)
	}
	for _, w := range o.weights {
		place, t := w.place, tensor(w.place)
		if !t.There() && w.place == placeOutput {
			place, t = placeTokens, tensor(placeTokens)
		}
		if !t.There() {
			if w.may && w.place != placeOutput {
				continue
			}
			return op, ErrShape
		}
		rows, columns, _ := t.size()
		op.In[w.port] = net.Value(1 + place)
		op.Attrs = withAttr(op.Attrs, net.Attr{Name: w.attr, Kind: net.KindInts, Ints: []int64{int64(t.Format), int64(rows), int64(columns)}})
		if o.name == tile.LMProduct && w.attr == "weights" {
			leaveOut(op.In, t.Format.Quantised())
		}
	}
	return op, nil
}

// leaveOut takes the rows away that a product does not read (PASS-4).
func leaveOut(in []net.Value, quantised bool) {
	if quantised {
		in[0] = net.None
	} else {
		in[1], in[2] = net.None, net.None
	}
}

// withAttr puts an attribute where its name belongs.
func withAttr(attrs []net.Attr, a net.Attr) []net.Attr {
	at := 0
	for at < len(attrs) && attrs[at].Name < a.Name {
		at++
	}
	return slices.Insert(slices.Clone(attrs), at, a)
}
