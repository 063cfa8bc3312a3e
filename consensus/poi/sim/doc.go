// Package sim runs whole networks of poi.Machines in one goroutine, from a seed, against faults.
//
// One number makes a run: the stakes, the delays, who lies and how, what is lost, repeated, late or cut
// off, when processes die and what their disks then hold. The same number makes the same run on every
// computer, so a failure is replayed by its seed:
//
//	aiwork-node sim consensus --from SEED --seeds 1
//
// A run has two halves. Before the calm (GST in the literature) everything goes wrong that the seed asks
// for. After it messages arrive within Delta, dead processes are back, and only the Byzantine validators,
// who hold less than a third of the weight, go on. The checks:
//
//	SIM-1  no two honest ledgers hold different blocks at a height;
//	SIM-2  a ledger has no gap and each block is the child of the one below;
//	SIM-3  at most one notarization per view, and never a finalization beside a nullification;
//	SIM-4  an honest key never signs both of two messages that are evidence (E1 to E4), crashes or not;
//	SIM-5  evidence that an honest machine reports accuses no honest key, and is valid;
//	SIM-6  an equivocation of which both messages reached one honest machine from a view before to eight
//	       views after (proposals: before its end) is reported by it;
//	SIM-7  a silenced machine signs nothing;
//	SIM-8  memory stays bounded;
//	SIM-9  after the calm every honest machine finalises more blocks, over at least one session boundary;
//	SIM-10 after the calm at least 95 % of the views led by honest validators bring a block;
//	SIM-11 no machine halts or panics.
//
// The nouns: a world holds actors; an actor is a node (a machine with a disk and a ledger; twins are two
// nodes with one key) or an evil (a Byzantine validator that makes up its messages). The package is pure:
// tests and the command run seeds in parallel, each in its own world.
package sim
