package rpc

import (
	"context"
	"encoding/base64"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Bounds of aiwork_ answers.
const (
	listMax = 256
)

// BlobStore is what this package needs of the blobs.
type BlobStore interface {
	// Put checks and keeps a blob and gives its id.
	Put(ctx context.Context, data []byte) (chain.Hash, error)
	// Get gives a blob, from a peer if need be; nil when nobody has it.
	Get(ctx context.Context, id chain.Hash) ([]byte, error)
}

// ModelInfo describes a model that this node can run.
type ModelInfo struct {
	ID      chain.Hash `json:"id"`
	Name    string     `json:"name"`
	Classes []string   `json:"classes"`
	Input   string     `json:"input"`  // 8-bit PNG, tensors or sound
	Output  string     `json:"output"` // labels, tensors, json or text
	Licence string     `json:"licence"`
}

// ConsensusStatus is how consensus stands, as the node's driver tells it.
type ConsensusStatus struct {
	Session        Uint64  `json:"session"`
	View           Uint64  `json:"view"`
	Leader         Uint64  `json:"leader"`
	Final          Uint64  `json:"final"`
	Validator      *Uint64 `json:"validator"` // this node's index, or null
	Voting         bool    `json:"voting"`
	Silent         string  `json:"silent,omitempty"` // why it does not vote
	NullifiedViews Uint64  `json:"nullifiedViews"`
	DeltaMs        Uint64  `json:"deltaMs"`
	FinalityMs     float64 `json:"finalityMs"` // of the last block, proposal to certificate
}

// PeerForm is a peer as the node sees it.
type PeerForm struct {
	ID        string   `json:"id"`
	Validator *int     `json:"validator"`
	Address   string   `json:"address"`
	Connected bool     `json:"connected"`
	Height    Uint64   `json:"height"`
	Listens   []string `json:"listens,omitempty"` // at which others can dial it, by its own word
	LastError string   `json:"lastError,omitempty"`
}

// NodeInfo is what aiwork_* needs beside the chain.
type NodeInfo interface {
	Consensus() ConsensusStatus
	Peers() []PeerForm
	// P2PAddresses gives multiaddrs by which others reach this node.
	P2PAddresses() []string
	Models() []ModelInfo
	GenesisFile() []byte
}

type aiwork struct {
	chain  Chain
	blobs  BlobStore
	market Market
	node   NodeInfo
	params *chain.Params
}

// AddAiwork fills a table with aiwork_*.
func AddAiwork(t *Table, c Chain, b BlobStore, m Market, n NodeInfo, params *chain.Params) {
	a := &aiwork{chain: c, blobs: b, market: m, node: n, params: params}
	a.addChain(t)
	a.addMarket(t)
	a.addBlobs(t)
}

func (a *aiwork) addChain(t *Table) {
	t.Add(Method{Name: "aiwork_status", Summary: "How the node stands: head, consensus, peers."}, a.status)
	t.Add(Method{Name: "aiwork_peers", Summary: "Peers and what is known of them."},
		func(context.Context) ([]PeerForm, error) { return a.node.Peers(), nil })
	t.Add(Method{Name: "aiwork_genesis", Summary: "The genesis file, with which another machine joins.", Cost: 20},
		func(context.Context) (string, error) { return string(a.node.GenesisFile()), nil })
	t.Add(Method{Name: "aiwork_params", Summary: "What all nodes of the chain agree on."},
		func(context.Context) (*chain.Params, error) { return a.params, nil })
	t.Add(Method{Name: "aiwork_getValidators", Summary: "The validators, in the order of their indices."}, a.validators)
	t.Add(Method{Name: "aiwork_getFinality", Summary: "The certificates that make a block final.", Params: []string{"block"}}, a.finality)
	t.Add(Method{Name: "aiwork_getExtension", Summary: "What consensus adds to a block: extraData is its hash.", Params: []string{"block"}}, a.extension)
	t.Add(Method{Name: "aiwork_getSeed", Summary: "The seed of a session, once it is known.", Params: []string{"session"}}, a.seed)
}

type statusForm struct {
	ChainID      Uint64          `json:"chainId"`
	Genesis      chain.Hash      `json:"genesis"`
	Height       Uint64          `json:"height"`
	Hash         chain.Hash      `json:"hash"`
	TimeMs       Uint64          `json:"timeMs"`
	BaseFee      Uint256         `json:"baseFeePerGas"`
	Consensus    ConsensusStatus `json:"consensus"`
	Peers        Uint64          `json:"peers"`
	P2PAddresses []string        `json:"p2pAddresses"`
}

func (a *aiwork) status(context.Context) (*statusForm, error) {
	head, _ := a.chain.Head()
	genesis, err := a.chain.BlockByHeight(0)
	if err != nil {
		return nil, err
	}
	connected := 0
	for _, p := range a.node.Peers() {
		if p.Connected {
			connected++
		}
	}
	return &statusForm{
		ChainID: Uint64(a.params.ChainID), Genesis: genesis.Hash(), Height: Uint64(head.Height), Hash: head.Hash,
		TimeMs: Uint64(head.Ext.TimeMs), BaseFee: Uint256{head.Header.BaseFee}, Consensus: a.node.Consensus(),
		Peers: Uint64(connected), P2PAddresses: a.node.P2PAddresses(),
	}, nil
}

// state gives the head's state.
func (a *aiwork) state() (state.Reader, Head, func(), error) {
	head, _ := a.chain.Head()
	return a.chain.StateAt(head.Height)
}

type validatorForm struct {
	Index       Uint64        `json:"index"`
	Name        string        `json:"name"`
	Address     chain.Address `json:"address"`
	VoteKey     Bytes         `json:"voteKey"`
	VRFKey      Bytes         `json:"vrfKey"`
	Stake       Uint256       `json:"stake"`
	ServiceBond Uint256       `json:"serviceBond"`
}

func (a *aiwork) validators(context.Context) ([]validatorForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	all, err := stake.Validators(view)
	if err != nil {
		return nil, err
	}
	out := make([]validatorForm, len(all))
	for i, v := range all {
		out[i] = validatorForm{
			Uint64(i), v.Name, v.Address, v.VoteKey[:], v.VRFKey[:], Uint256{v.Stake}, Uint256{v.ServiceBond},
		}
	}
	return out, nil
}

type certificateForm struct {
	Kind       string     `json:"kind"`
	Session    Uint64     `json:"session"`
	View       Uint64     `json:"view"`
	ParentView Uint64     `json:"parentView"`
	BlockHash  chain.Hash `json:"blockHash"`
	Signers    []int      `json:"signers"`
	Encoded    Bytes      `json:"encoded"`
}

type finalityForm struct {
	BlockNumber  Uint64           `json:"blockNumber"`
	BlockHash    chain.Hash       `json:"blockHash"`
	Finalization *certificateForm `json:"finalization"` // of this block or of a descendant in its session
	Notarization *certificateForm `json:"notarization"`
}

func (a *aiwork) finality(ctx context.Context, tag BlockTag) (*finalityForm, error) {
	b, err := (&eth{chain: a.chain}).block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	seal, err := a.chain.Seal(b.Header.Number)
	if seal == nil || err != nil {
		return nil, err
	}
	return &finalityForm{
		Uint64(b.Header.Number), b.Hash(), formCertificate(seal.Finalization), formCertificate(seal.Notarization),
	}, nil
}

func formCertificate(c *chain.Certificate) *certificateForm {
	if c == nil {
		return nil
	}
	f := &certificateForm{
		Kind: "finalize", Session: Uint64(c.Session), View: Uint64(c.View), ParentView: Uint64(c.ParentView),
		BlockHash: c.BlockHash, Signers: []int{}, Encoded: c.Encode(),
	}
	if c.Kind == chain.VoteNotarize {
		f.Kind = "notarize"
	}
	for i := range len(c.Signers) * 8 {
		if c.Has(i) {
			f.Signers = append(f.Signers, i)
		}
	}
	return f
}

type extensionForm struct {
	Version     Uint64     `json:"version"`
	ForkID      Uint64     `json:"forkId"`
	Session     Uint64     `json:"session"`
	View        Uint64     `json:"view"`
	ParentView  Uint64     `json:"parentView"`
	Proposer    Uint64     `json:"proposer"`
	TimeMs      Uint64     `json:"timeMs"`
	VRFProof    Bytes      `json:"vrfProof"`
	NextSetRoot chain.Hash `json:"nextSetRoot"`
	Encoded     Bytes      `json:"encoded"`
}

func (a *aiwork) extension(_ context.Context, tag BlockTag) (*extensionForm, error) {
	b, err := (&eth{chain: a.chain}).block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	e := &b.Ext
	return &extensionForm{
		Uint64(e.Version), Uint64(e.ForkID), Uint64(e.Session), Uint64(e.View), Uint64(e.ParentView), Uint64(e.Proposer),
		Uint64(e.TimeMs), e.VRFProof[:], e.NextSetRoot, e.Encode(),
	}, nil
}

func (a *aiwork) seed(_ context.Context, session Uint64) (*chain.Hash, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	seed, known, err := beacon.Seed(view, chain.Session(session))
	if !known || err != nil {
		return nil, err
	}
	h := chain.Hash(seed)
	return &h, nil
}

func (a *aiwork) addBlobs(t *Table) {
	t.Add(Method{Name: "aiwork_putBlob", Summary: "Keep an input (base64) that an open job names; gives its BLAKE3 id.", Params: []string{"data"}, Cost: 50, Class: ClassSend}, a.putBlob)
	t.Add(Method{Name: "aiwork_getBlob", Summary: "An input in base64, or null when nobody has it.", Params: []string{"id"}, Cost: 20, Class: ClassWait}, a.getBlob)
}

func (a *aiwork) putBlob(ctx context.Context, text string) (chain.Hash, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return chain.Hash{}, Errorf(CodeParams, "invalid argument 0 (data): not base64: %v", err)
	}
	return a.blobs.Put(ctx, data)
}

func (a *aiwork) getBlob(ctx context.Context, id chain.Hash) (*string, error) {
	data, err := a.blobs.Get(ctx, id)
	if data == nil || err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(data)
	return &text, nil
}

func (a *aiwork) addMarket(t *Table) {
	t.Add(Method{Name: "aiwork_getModels", Summary: "Models that this node can run."},
		func(context.Context) ([]ModelInfo, error) { return a.node.Models(), nil })
	t.Add(Method{Name: "aiwork_getWorker", Summary: "A worker's record, or null.", Params: []string{"address"}}, a.worker)
	t.Add(Method{Name: "aiwork_getWorkers", Summary: "Workers on the roster, 256 at most from a place on.", Params: []string{"from"}, Cost: 10}, a.workers)
	t.Add(Method{Name: "aiwork_getAgenda", Summary: "What the head's state asks of a worker or auditor.", Params: []string{"address"}, Cost: 5}, a.agenda)
	t.Add(Method{Name: "aiwork_getUnsettled", Summary: "Batches of others than an address whose results lie open and are not settled: they may be disputed.", Params: []string{"address"}, Cost: 20}, a.unsettled)
	t.Add(Method{Name: "aiwork_getDispute", Summary: "A dispute by its number; null if there is none.", Params: []string{"number"}}, a.dispute)
	t.Add(Method{Name: "aiwork_quoteJob", Summary: "What a job would cost at most, line by line.", Params: []string{"job"}, Cost: 5, Class: ClassCall}, a.quote)
	t.Add(Method{Name: "aiwork_getPrice", Summary: "What an item of a model costs now: posted price, median ask, queue, capacity.", Params: []string{"model"}, Cost: 5}, a.price)
	t.Add(Method{Name: "aiwork_getJob", Summary: "A job with its batches, items, verdicts and money, or null.", Params: []string{"id"}, Cost: 20}, a.job)
	t.Add(Method{Name: "aiwork_getJobs", Summary: "Jobs in short, newest first, 256 at most below an id.", Params: []string{"below"}, Cost: 10}, a.jobs)
}

type workerForm struct {
	Address  chain.Address `json:"address"`
	Payout   chain.Address `json:"payout"`
	State    string        `json:"state"`
	Bond     Uint256       `json:"bond"`
	Exposure Uint256       `json:"exposure"`
	Slashed  Uint256       `json:"slashed"`
	Slashes  Uint64        `json:"slashes"`
	Missed   Uint64        `json:"missedLeases"`
	Weight   Uint64        `json:"weight"`
	Models   []chain.Hash  `json:"models"`
	About    string        `json:"about"`

	Passed       Uint64      `json:"passed"` // batches since it was found wrong last
	Late         Uint64      `json:"late"`   // batches that a second worker has done first
	Score        Uint64      `json:"score"`  // 1024 is full
	Leases       Uint64      `json:"leases"`
	BacklogMs    Uint64      `json:"backlogMs"`
	Offers       []offerForm `json:"offers"` // as many as models
	Capability   *chain.Hash `json:"capability"`
	CapabilityAt *Uint64     `json:"capabilityAt"` // the block whose logs hold it
}

// offerForm is what a worker says of a model that it serves.
type offerForm struct {
	Speed Uint64  `json:"speed"` // items an hour; 0: not measured
	Ask   Uint256 `json:"ask"`   // the least price of an item
}

func formOffers(list []registry.Offer) []offerForm {
	out := make([]offerForm, 0, len(list))
	for i := range list {
		out = append(out, offerForm{Uint64(list[i].Speed), Uint256{list[i].Ask()}})
	}
	return out
}

func formWorker(i *registry.Info) *workerForm {
	models := i.Models
	if models == nil {
		models = []chain.Hash{}
	}
	f := &workerForm{
		Address: i.Address, Payout: i.Payout, State: i.State.String(), Bond: Uint256{i.Bond}, Exposure: Uint256{i.Exposure},
		Slashed: Uint256{i.Slashed}, Slashes: Uint64(i.SlashCount), Missed: Uint64(i.MissedCount), Weight: Uint64(i.Weight),
		Models: models, About: i.About, Passed: Uint64(i.Passed), Late: Uint64(i.LateCount), Score: Uint64(i.Score),
		Leases: Uint64(i.Leases), BacklogMs: Uint64(i.BacklogMs), Offers: formOffers(i.Offers),
	}
	if !i.Capability.IsZero() {
		at := Uint64(i.CapabilityAt)
		f.Capability, f.CapabilityAt = &i.Capability, &at
	}
	return f
}

func (a *aiwork) worker(_ context.Context, address chain.Address) (*workerForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	info, found, err := registry.Load(view, address)
	if !found || err != nil {
		return nil, err
	}
	return formWorker(&info), nil
}

func (a *aiwork) workers(_ context.Context, from *Uint64) ([]*workerForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	place := uint64(0)
	if from != nil {
		place = uint64(*from)
	}
	addresses, err := registry.Addresses(view, place, listMax)
	if err != nil {
		return nil, err
	}
	out := []*workerForm{}
	for _, address := range addresses {
		info, found, err := registry.Load(view, address)
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, formWorker(&info))
		}
	}
	return out, nil
}

func (a *aiwork) agenda(_ context.Context, who chain.Address) (*compute.Agenda, error) {
	agenda, err := a.market.Agenda(who)
	return &agenda, err
}

// jobArgs describes a job to be, for its price.
type jobArgs struct {
	Model      chain.Hash `json:"model"`
	Items      Uint64     `json:"items"`
	Price      Uint256    `json:"price"`
	AuditPpm   Uint64     `json:"auditPpm"`
	Panel      Uint64     `json:"panel"`
	BatchItems Uint64     `json:"batchItems"`
}

type quoteForm struct {
	Total      Uint256 `json:"total"` // what createJob must be sent
	Pay        Uint256 `json:"pay"`   // to workers, at most
	Fee        Uint256 `json:"fee"`   // burned, at most
	Audits     Uint256 `json:"audits"`
	Tips       Uint256 `json:"tips"`
	BatchItems Uint64  `json:"batchItems"`
	Batches    Uint64  `json:"batches"`
	Panel      Uint64  `json:"panel"`
	AuditPpm   Uint64  `json:"auditPpm"` // 0: by formula, for each batch when its worker is drawn
	Posted     Uint256 `json:"posted"`   // the model's posted price: less for an item is refused
}

func (a *aiwork) quote(ctx context.Context, args jobArgs) (*quoteForm, error) {
	if args.Items > job.ItemsMax || args.AuditPpm > 1_000_000 || args.Panel > job.PanelMax || args.BatchItems > job.BatchItemsMax {
		return nil, Errorf(CodeParams, "a job has at most %d items, %d auditors a batch, %d items a batch and an audit share of 1000000 ppm",
			job.ItemsMax, job.PanelMax, job.BatchItemsMax)
	}
	data := job.PackQuote(&job.Spec{
		Model: args.Model, ItemCount: uint32(args.Items), Price: args.Price.Int, AuditPpm: uint32(args.AuditPpm),
		Panel: uint8(args.Panel), BatchItems: uint16(args.BatchItems),
	})
	st, err := (&eth{chain: a.chain}).open(scene{otherwise: "pending"})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	m := exec.Message{To: &chain.AddrJobs, Gas: callGasMax, Data: data}
	r, err := st.run.Probe(&m)
	if err != nil {
		return nil, st.refused(&m, err)
	}
	if fault := st.fault(&m, &r); fault != nil {
		return nil, fault
	}
	t, err := job.UnpackQuote(r.Output)
	if err != nil {
		return nil, err
	}
	price, err := a.price(ctx, args.Model)
	if err != nil {
		return nil, err
	}
	return &quoteForm{
		Uint256{t.Total},
		Uint256{t.Pay},
		Uint256{t.Fee},
		Uint256{t.Audits},
		Uint256{t.Tips},
		Uint64(t.BatchItems),
		Uint64(t.Batches),
		Uint64(t.Panel),
		Uint64(t.AuditPpm),
		price.Posted,
	}, nil
}

// priceForm is what a model's items cost now.
type priceForm struct {
	Posted   Uint256 `json:"posted"` // less for an item is refused
	Ask      Uint256 `json:"ask"`    // the median of the workers' asks
	Waiting  Uint64  `json:"waiting"`
	Capacity Uint64  `json:"capacity"` // items an hour, of the workers that have measured it
	Workers  Uint64  `json:"workers"`
}

func (a *aiwork) price(_ context.Context, model chain.Hash) (*priceForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	market, err := registry.LoadMarket(view, model)
	if err != nil {
		return nil, err
	}
	posted, waiting, err := job.LoadPrice(view, model)
	return &priceForm{Uint256{posted}, Uint256{market.Ask}, Uint64(waiting), Uint64(market.Capacity), Uint64(market.Servers)}, err
}
