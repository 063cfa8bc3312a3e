package dispute

import (
	"crypto/sha256"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A Claim is a party's result with the receipt that it follows from (DISPUTE-1).
type Claim struct {
	Kind    Kind         // of the model; it says what the fields behind Result are
	Result  []byte       // the outputs: see Result
	Receipt chain.Hash   // the root of a full receipt
	Head    []byte       // of the network
	InModel []chain.Hash // proof that Head belongs to the model
	Entries [][]byte     // those that hold the network's outputs
	Places  []uint64     // where they stand in the receipt, ascending
	Proof   []chain.Hash
}

// ClaimTypes names the arguments of a claim in a signature.
const ClaimTypes = "uint8,bytes,bytes32,bytes,bytes32[],bytes[],uint64[],bytes32[]"

// ReadClaim reads the arguments that Claim.Write wrote.
func ReadClaim(d *native.Decoder) (c Claim) {
	c.Kind = Kind(min(d.Uint64(), 255))
	result, head := ResultBytesMax, headMax
	switch c.Kind {
	case Pipeline:
		result = chunkMax
	case Language:
		result, head = pass.AnswerBytesMax, quarrelMax
	}
	c.Result = d.Bytes(result)
	c.Receipt = d.Hash()
	c.Head = d.Bytes(head)
	c.InModel = d.Hashes(merkle.DepthMax)
	c.Entries = d.BytesList(partsMax, EntryBytesMax)
	c.Places = d.Uint64s(partsMax)
	c.Proof = d.Hashes(proofMax)
	return c
}

// Write writes a claim as arguments of a call, whose types are ClaimTypes.
func (k *Claim) Write(e *native.Encoder) {
	e.Uint64(uint64(k.Kind))
	e.Bytes(k.Result)
	e.Hash(k.Receipt)
	e.Bytes(k.Head)
	e.Hashes(k.InModel)
	e.BytesList(k.Entries)
	e.Uint64s(k.Places)
	e.Hashes(k.Proof)
}

// Bond is the least bond of a challenger.
func Bond(p *chain.JobParams) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(p.DisputeBond), uint256.NewInt(gwei))
}

// A Subject is a result that is disputed.
type Subject struct {
	Model, Item chain.Hash // the item's blob
	Defender    chain.Address
	Result      []byte     // what the defender has given
	Blob        chain.Hash // where that lies in a blob; else zero
	Size        uint32     // of the blob
}

// gave says whether some bytes are the result.
func (s *Subject) gave(result []byte) bool {
	if s.Blob.IsZero() {
		return string(result) == string(s.Result)
	}
	return blake3.Sum256(result) == s.Blob
}

// Open begins a dispute: the challenger claims another result than the defender's. The caller, another contract, has
// paid the bond to this one. The call fails where the claim does not hold together, and on a chain without disputes.
func Open(c *native.Call, about *Subject, challenger chain.Address, k *Claim, bond *uint256.Int) (id uint64) {
	must.Hold(c.Self() == chain.AddrDisputes, "dispute: opened on another contract's slots")
	defender := about.Defender
	open := c.Uint64(openKey(defender))
	d := Dispute{Kind: k.Kind, Parties: [2]chain.Address{defender, challenger}, Bond: *bond, Model: about.Model}
	d.Results = [2]chain.Hash{sha256.Sum256(about.Result), sha256.Sum256(k.Result)}
	if !about.Blob.IsZero() {
		d.Results[Defender], d.Size = about.Blob, about.Size
	}
	least := Bond(&c.Block().Params.Jobs)
	if !c.Require(!least.IsZero(), "disputes: on this chain the auditors' vote alone decides") ||
		!c.Require(defender != challenger, "disputes: nobody disputes with itself") ||
		!c.Require(!bond.Lt(least) && bond.BitLen() <= 96, "disputes: the bond is below "+least.Dec()) ||
		!c.Require(open < OpenMax, "disputes: the defender answers 8 disputes already") ||
		!c.Require(d.Results[0] != d.Results[1], "disputes: the results are the same") ||
		!d.takeClaim(c, Challenger, about, k) {
		return 0
	}
	d.ID = c.Uint64(countKey()) + 1
	c.SetUint64(countKey(), d.ID)
	c.SetUint64(openKey(defender), open+1)
	d.enter(c, Answering)
	logOpened(c, &d)
	c.SetRecord(recordKey(d.ID), nil, d.Encode())
	return d.ID
}

// takeClaim checks a party's claim and notes its receipt.
func (d *Dispute) takeClaim(c *native.Call, s Side, about *Subject, k *Claim) bool {
	if !c.Require(k.Kind == d.Kind, "disputes: the claims are about models of different kinds") {
		return false
	}
	switch k.Kind {
	case Network:
		return d.takeNetwork(c, s, about, k)
	case Pipeline:
		return d.takePipeline(c, s, k)
	case Language:
		if s == Challenger {
			return d.takeQuarrel(c, about, k)
		}
		return d.takeAnswer(c, k)
	}
	return c.Require(false, "disputes: about models of this kind the auditors' vote alone decides")
}

// whole says whether these are all bytes of a party's result.
func (d *Dispute) whole(s Side, result []byte) bool {
	if s == Defender && d.Size != 0 {
		return len(result) == int(d.Size) && blake3.Sum256(result) == d.Results[s]
	}
	return sha256.Sum256(result) == d.Results[s]
}

// takeNetwork checks a claim about what a network has put out. Where the result lies in a blob, all of it is shown as well.
func (d *Dispute) takeNetwork(c *native.Call, s Side, about *Subject, k *Claim) bool {
	if !chargeHashes(c, len(k.Head)+len(k.InModel)*64+sizeOf(k.Entries)+3*len(k.Result), 8+len(k.InModel)+len(k.Entries)*16+len(k.Result)/net.TileLen) ||
		!c.Require(d.Size <= ResultBytesMax, "disputes: a network's result of more than 65536 bytes is for auditors to judge") ||
		!c.Require(s == Defender || !about.gave(k.Result), "disputes: the results are the same") {
		return false
	}
	head, ok := d.takeHead(c, k.Head, k.InModel)
	if !ok || !c.Require(d.whole(s, k.Result), "disputes: the result is another") {
		return false
	}
	entries, ok := entriesAt(c, k.Receipt, d.entries(), k.Entries, k.Places, k.Proof)
	if !ok || !c.Require(follows(&head, entries, k.Result), "disputes: the result does not follow from the receipt") {
		return false
	}
	d.Receipts[s] = k.Receipt
	return true
}

// takeHead checks the head of a network and notes what a receipt of it is like.
func (d *Dispute) takeHead(c *native.Call, b []byte, proof []chain.Hash) (head net.Head, ok bool) {
	head, err := net.DecodeHead(b)
	leaves := 1 + uint64(head.Weights) + uint64(head.Ops)
	if !c.Require(err == nil, "disputes: the head is malformed") ||
		!c.Require(net.VerifyPart(d.Model, b, 0, leaves, proofOf(proof)) == nil, "disputes: the head is not the model's") ||
		!c.Require(head.Ops > 0 && len(head.Inputs) > 0, "disputes: a network without operators or inputs") {
		return head, false
	}
	d.Opset, d.Inputs, d.Weights, d.Ops = head.Opset, uint16(len(head.Inputs)), head.Weights, head.Ops
	return head, true
}

// EntryCount is the number of entries of the receipts that are narrowed down now, or of places for steps of a trace.
func (d *Dispute) EntryCount() uint64 { return d.entries() }

// entries is the number of entries of a receipt, or of leaves of a trace.
func (d *Dispute) entries() uint64 {
	if d.inTrace() {
		return StepsMax
	}
	return 1 + uint64(d.Ops)
}

// entriesAt checks that encoded entries stand at some places of a receipt.
func entriesAt(c *native.Call, receipt chain.Hash, count uint64, list [][]byte, places []uint64, proof []chain.Hash) (out []Entry, ok bool) {
	if !c.Require(len(list) == len(places), "disputes: entries without a place") ||
		!c.Require(merkle.VerifyMany(receiptTag, receipt, list, places, count, proofOf(proof)) == nil, "disputes: the entries are not the receipt's") {
		return nil, false
	}
	for _, b := range list {
		e, err := DecodeEntry(b)
		if !c.Require(err == nil, "disputes: an entry is malformed") {
			return nil, false
		}
		out = append(out, e)
	}
	return out, true
}

// follows says whether a result is the network's outputs as entries name them: the elements of the one tensor that has
// labels, or else a list of tensors.
func follows(head *net.Head, entries []Entry, result []byte) bool {
	var outputs []net.Digest
	for _, v := range head.Outputs {
		g, ok := digestIn(entries, v)
		if !ok {
			return false
		}
		outputs = append(outputs, g)
	}
	if labelled(head, outputs) {
		return net.TensorRoot(net.Float32, result) == outputs[0].Root && len(result) == 4*len(head.Labels)
	}
	list, err := net.DecodeList(result, ResultBytesMax)
	if err != nil || len(list) != len(outputs) {
		return false
	}
	for i := range list {
		g := net.Digest{Type: list[i].Type, Shape: list[i].Shape, Root: net.TensorRoot(list[i].Type, list[i].Bytes)}
		if !sameDigest(&g, &outputs[i]) {
			return false
		}
	}
	return true
}

// labelled says whether a network's only output is a vector of floats with a label for each.
func labelled(head *net.Head, outputs []net.Digest) bool {
	return len(head.Labels) > 0 && len(outputs) == 1 && outputs[0].Type == net.Float32 &&
		net.Count(outputs[0].Shape) == uint64(len(head.Labels))
}

// Result gives the canonical bytes of a network's outputs, as an engine gives them.
func Result(head *net.Head, outputs []net.Inline) []byte {
	var digests []net.Digest
	for i := range outputs {
		digests = append(digests, net.Digest{Type: outputs[i].Type, Shape: outputs[i].Shape})
	}
	if labelled(head, digests) {
		return outputs[0].Bytes
	}
	return net.EncodeList(outputs)
}

// digestIn finds a value among entries.
func digestIn(entries []Entry, v net.Value) (g net.Digest, ok bool) {
	for i := range entries {
		e := &entries[i]
		if v >= e.First && uint64(v) < uint64(e.First)+uint64(len(e.Digests)) {
			return e.Digests[v-e.First], true
		}
	}
	return g, false
}

func proofOf(list []chain.Hash) merkle.Proof {
	out := make(merkle.Proof, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

func sizeOf(list [][]byte) (n int) {
	for _, b := range list {
		n += len(b)
	}
	return n
}

// chargeHashes takes the gas for hashing so many bytes in so many hashes.
func chargeHashes(c *native.Call, bytes, hashes int) bool {
	return c.Charge(uint64(hashes)*(native.GasHash+2*native.GasHashWord) + uint64(bytes/32)*native.GasHashWord)
}

// ChallengerOf gives who opened a dispute.
func ChallengerOf(c *native.Call, id uint64) chain.Address {
	d, _ := loadDispute(c, id)
	return d.Parties[Challenger]
}

// Outcome does what is due at a dispute and gives its verdict once it has ended. It is for the contract that opened it.
func Outcome(c *native.Call, id uint64) (v Verdict, ended bool) {
	must.Hold(c.Self() == chain.AddrDisputes, "dispute: asked on another contract's slots")
	d, raw := loadDispute(c, id)
	if d.due(c) {
		c.SetRecord(recordKey(id), raw, d.Encode())
	}
	return d.Verdict, d.Phase == Ended && !c.Failed()
}
