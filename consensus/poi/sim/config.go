package sim

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// Config asks for one run.
type Config struct {
	Seed           uint64
	Nodes          int    // validators; 0 lets the seed choose 4 to 10
	RealSignatures bool   // BIP-340 instead of the stub, for far fewer views
	Faultless      bool   // no faults at all: for measuring
	DelayMs        uint64 // with Faultless: the delay of every message, among equal stakes; 0 draws both

	Trace func(line string) // told what every machine does; nil for silence
}

// NodesMax is the largest network that is simulated.
const NodesMax = 64

// role says what a validator is.
type role uint8

const (
	roleHonest role = iota
	roleDead        // crashed for ever: counts as faulty for progress only
	roleTwin        // two machines with one key
	roleEvil        // makes up messages
)

// profile is what the seed decides before the run.
type profile struct {
	nodes   int
	weights []uint64
	roles   []role
	lost    []bool // honest, but loses its log in a crash: silent until the next epoch

	calm      uint64 // ms; faults stop
	delayBase []uint64
	jitter    uint64
	late      uint64 // greatest extra delay before the calm
	drop      uint64 // per mille, before the calm
	duplicate uint64 // per mille
	cutEvery  uint64 // ms between changes of the cut links; 0: no cuts
	cut       uint64 // per mille of directed links cut at a time
	crashes   int    // per honest node, at most
	torn      bool   // crashes strike in the middle of an outbox
	faulty    uint64 // per mille of executions that meet a local fault
	slow      uint64 // greatest ms of an execution before the calm
	skew      uint64 // greatest difference of a wall clock, ms
	drift     uint64 // per mille by which tick clocks run fast or slow
	workMode  uint64 // 0: always work, 1: idle, 2: now and then, 3: draws
	heartbeat uint64
	delta     poi.Tick
	evil      evilProfile
	offset    uint64 // height in its session at which the run starts
	extra     uint64 // blocks to finalise after the calm, at least
}

// evilProfile is per mille of the occasions on which evils act.
type evilProfile struct {
	equivocate, fork, badBody, withhold, double, nullify, finalize, garbage uint64
}

func draw(d *dice.Dice, low, high uint64) uint64 { return low + d.Below(high-low+1) }

func chance(d *dice.Dice, permille uint64) bool { return d.Below(1000) < permille }

func seedOf(n uint64) (s [32]byte) {
	copy(s[:], "aiwork/sim/consensus/1")
	binary.BigEndian.PutUint64(s[24:], n)
	return s
}

// newProfile draws a run. Each kind of fault is left out of about half of the runs, so that its effect
// is seen alone as well as among others.
func newProfile(c Config, d *dice.Dice) profile {
	p := profile{nodes: c.Nodes, delta: 100, heartbeat: 600, extra: draw(d, 6, 14), offset: draw(d, 22, 31)}
	if p.nodes == 0 {
		p.nodes = int([]uint64{4, 4, 4, 5, 5, 6, 7, 7, 8, 10}[d.Below(10)])
	}
	p.drawWeights(d)
	p.drawDelays(d)
	p.workMode = []uint64{0, 0, 0, 0, 1, 2, 2, 3}[d.Below(8)]
	if c.RealSignatures {
		p.offset, p.extra = 29, 4
	}
	if c.Faultless {
		p.roles, p.lost = make([]role, p.nodes), make([]bool, p.nodes)
		p.workMode = 0
		if c.DelayMs > 0 {
			p.jitter = 0
			for i := range p.weights {
				p.weights[i] = 1
			}
			for i := range p.delayBase {
				p.delayBase[i] = c.DelayMs
			}
		}
		return p
	}
	p.drawRoles(d)
	p.calm = draw(d, 800, 4000)
	sometimes := func(high uint64) uint64 {
		if chance(d, 500) {
			return 0
		}
		return draw(d, 1, high)
	}
	p.late, p.drop, p.duplicate = sometimes(300), sometimes(500), sometimes(200)
	if chance(d, 400) {
		p.cutEvery, p.cut = draw(d, 100, 1500), draw(d, 100, 700)
	}
	p.crashes, p.torn = int(sometimes(3)), chance(d, 700)
	p.faulty, p.slow = sometimes(100), sometimes(150)
	p.skew, p.drift = sometimes(200), sometimes(30)
	p.evil = evilProfile{
		equivocate: sometimes(1000), fork: sometimes(600), badBody: sometimes(300), withhold: sometimes(600),
		double: sometimes(1000), nullify: sometimes(1000), finalize: sometimes(800), garbage: sometimes(100),
	}
	if c.RealSignatures {
		p.calm = min(p.calm, 1000)
	}
	return p
}

func (p *profile) drawWeights(d *dice.Dice) {
	p.weights = make([]uint64, p.nodes)
	spread := []uint64{1, 1, 3, 10, 1000}[d.Below(5)]
	for i := range p.weights {
		p.weights[i] = draw(d, 1, spread)
	}
}

func (p *profile) drawDelays(d *dice.Dice) {
	p.delayBase = make([]uint64, p.nodes*p.nodes)
	far := []uint64{5, 10, 20, 40}[d.Below(4)]
	for i := range p.delayBase {
		p.delayBase[i] = draw(d, 3, far)
	}
	p.jitter = draw(d, 0, 20)
}

// drawRoles spends the third of the weight that may be faulty.
func (p *profile) drawRoles(d *dice.Dice) {
	p.roles, p.lost = make([]role, p.nodes), make([]bool, p.nodes)
	var total uint64
	for _, w := range p.weights {
		total += w
	}
	budget := total - (2*total/3 + 1) // what a quorum can do without
	kind := d.Below(6)
	for range 2 * p.nodes {
		i := d.Below(uint64(p.nodes))
		if p.roles[i] != roleHonest || p.lost[i] || p.weights[i] > budget {
			continue
		}
		budget -= p.weights[i]
		switch kind {
		case 0:
			p.roles[i] = roleDead
		case 1:
			p.roles[i] = roleTwin
		case 2:
			p.lost[i] = true
		case 3, 4:
			p.roles[i] = roleEvil
		default:
			p.roles[i] = role(1 + d.Below(3))
		}
	}
}
