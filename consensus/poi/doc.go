// Package poi is POI-Simplex: the pure machine by which staked validators agree on one chain of blocks,
// final three message delays after the proposal.
//
// A Machine eats events and appends effects. It knows no clock, network, disk, lock or chance: equal
// machines given equal events append equal effects. The driver beside it does what the effects say.
//
// # Nouns
//
// A session is 32 heights and one instance of the protocol, with a Set of validators and a seed that
// draws the leader of each view. In a view the leader proposes one block; each validator notarizes it,
// or nullifies the view. A quorum (more than two thirds of the weight) of equal votes is a certificate:
// certN of notarize, certU of nullify, certF of finalize votes. W is the weight of all, Q the quorum.
// Delta is the message delay that a machine assumes: it paces the timers and decides nothing.
//
// # Rules
//
// In the code they are cited as "Rule R4" or "Rule R-LOG".
//
//	R1  Enter view v only from a lower one. Arm t_l = 2 Delta and t_a = 3 Delta. A leader not heard in
//	    SkipViews views, while a quorum was, is not waited for.
//	R2  The leader proposes once per view: it walks back from v-1 over views with certU to the first with
//	    certN or certF, whose block is the parent. What is missing it asks for.
//	R3  Notarize the leader's first proposal, in the current view only, after no own vote in it but
//	    propose, if the parent is certified at the parent view, certU is held for every view between, and
//	    the block executes to what it claims. Missing things are asked for, from that leader first;
//	    only what is wrong is given up.
//	R4  On certN: spread it once, hold and execute the block; when it is good, vote finalize (unless the
//	    view is nullified by oneself or over) and enter v+1.
//	R5  On certU: spread it once, enter v+1.
//	R6  Nullify at t_l without a proposal, at t_a in any case, for a bad proposal, or when the leader
//	    itself nullifies; never after the own finalize vote.
//	R7  On certF: spread it once, enter v+1; the block and its ancestors are final once all are executed.
//	R8  Every 2 Delta in a view: send again the own messages of the view, the last finalize vote until
//	    it is covered, the certificates by which the view was entered, and the best finalization.
//	R9  Every new certificate runs all rules again. What was asked for is asked for again every 2 Delta.
//	R10 A validator that lags enters the view after any certF or certU, and follows the blocks by their
//	    hashes; over sessions the driver syncs (Behind, Synced, NewSession).
//
//	R-BOUNDARY  A session's last block has no child in it. While it is certified but not final, leaders
//	            propose it again: at view v > its own, with parent view pv where it is certified.
//	R-FUTURE    A block further ahead of the wall clock than Future is not bad: the own notarize vote
//	            waits. A certified block never waits.
//	R-IDLE      With no work the next block is due a heartbeat after its parent was certified, and t_l
//	            and t_a count from then. Work shortens them from the moment it is known.
//	R-LOG       A vote or proposal is on disk, with its block, before it is sent; after a restart the
//	            same bytes are sent again and nothing else is signed in that place.
//	R-LOST      Without its log, or shown a vote of its own that the log lacks, a validator is silent
//	            until an epoch begins.
//	R-ORDER     In a view: propose, then notarize, then either nullify or finalize.
//	R-KEY       Votes count together if session, view, kind, parent view and hash are equal. Nullify has
//	            parent view 0 and hash 0.
//	R-BAD       A certified block that is bad here means that this node and the quorum run different
//	            rules: the machine halts.
//	R-FAULT     A local fault (disk, memory) never makes a block bad.
//
// # Invariants
//
// Two quorums share more than W/3. An honest validator notarizes one block per view, so a view has at
// most one certN; it never nullifies and finalizes the same view, so certF and certU exclude each other.
// Let c be final at v. A proposal of a later view with a parent view below v needs certU(v), which
// cannot be; so all that is certified later descends from c. A session opens from a final block only,
// which carries the argument over. None of this uses time. See docs/protocol/consensus.md.
//
// # The driver's duties
//
//   - Perform effects in order. Before anything else of an outbox is done, its Log effects are on disk if
//     LogVote or LogProposal is among them; certificates alone may wait for the next group.
//   - Hand over bodies only when asked (FetchBlock), and check that a body has the hash asked for.
//   - Execute answers with the verdict of full execution, VRF proof included.
//   - After the Finalize that holds a session's last block, commit it durably, then NewSession.
//   - Event.At never runs backwards. Wake at the tick of the last SetTimer, or a little later.
//   - After Halt stop, and keep the data.
//
// The calls of one turn:
//
//	m.Step(poi.Event{At: now, Clock: unixMs, Input: poi.Received{From: peer, Message: msg}}, &out)
//	for _, e := range out.Effects {
//		perform(e)
//	}
//	out.Reset()
//
// consensus/poi/driver calls it in the product, consensus/poi/sim in thousands of simulated networks.
package poi
