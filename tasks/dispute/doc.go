// Package dispute is the system contract that settles which of two runs of a network is the true one, down to a
// single tile of a single operator, which the contract recomputes itself. docs/protocol/disputes.md tells it whole.
//
// Nouns: a defender stands by a result that it has given; a challenger, with a bond, says that it is another. A
// receipt is the Merkle root over what a run has computed: an entry for the inputs, then one for each operator. Both
// parties narrow the difference down: to the first entry in which their receipts differ, to the first output of
// it, to the first tile of that. The case is what an operator needs to be judged: its own bytes, the digests of its
// operands, its parameters. A feeder hands the elements of operands in, step by step.
//
//	DISPUTE-1: both results follow from their receipts: whoever names a receipt shows the digests of the network's
//	           outputs in it, and the result's bytes are those tensors.
//	DISPUTE-2: a party shows the children of its own node; the left one is followed where they differ, else the right.
//	           So all leaves before the one that is reached are the same in both receipts, and whatever is proved of
//	           one is agreed by both. If one party is honest, what is agreed is true.
//	DISPUTE-3: what an operator makes is decided by the contract alone: how many values, under which numbers, of
//	           which type and shape, and at last which bytes of a tile (package tile). Who says otherwise loses; both
//	           may.
//	DISPUTE-4: whoever does not answer in time loses. Where both must and neither does, and where anybody may go on,
//	           the challenger loses. An honest party can always go on by itself.
//	DISPUTE-5: inputs that differ, operators that neither package tile nor package expand covers, and operands that no
//	           honest run meets are not decided here: Undecided.
//	DISPUTE-6: a challenger that loses pays its bond, half to the defender, half burned; where both were wrong all of
//	           it is burned; else it gets it back. What a defender loses is for who opened the dispute to take.
//	DISPUTE-7: Stands means that this challenger has shown nothing, and no more: a liar's friend may have lost on
//	           purpose. Wrong is sure, unless the defender was silent.
//	DISPUTE-8: a chain whose disputeBond is 0 has no disputes: defenders must answer in time, so workers have to know how.
//	DISPUTE-9: a composite operator (If, Loop, Scan, RNN, GRU, LSTM) stands for a network that follows from the operator, its agreed
//	           operands and agreed parameters alone (package expand). What it passes through is decided at once. Else each party
//	           names a receipt of that network, whose first entry is empty, and shows that the outputs which it has shown are in it;
//	           the narrowing begins anew within, at most DepthMax times. So nobody says how often a loop goes round or which branch
//	           is taken: the condition is an agreed operand, or a value that is itself narrowed down.
//	DISPUTE-10: two answers of a language model come down to the first token in which they differ, and to the pass that draws it: over prompt
//	           and agreed tokens (package pass). Item, answers and shape are proved; where the item is a text, the parties say which tokens
//	           it is. What else an answer says, and where one is the beginning of the other, is not decided here.
//	DISPUTE-11: a pipeline's result begins with the root of its trace. Both traces have room for StepsMax steps and are narrowed down
//	           like receipts. If the first step that differs took the same in the same role and gave another, the role's network is
//	           proved under the pipeline's id, each party names a receipt of it that begins with what the step took and gives what
//	           it gave, and the dispute is one about that network. Anything else lies between networks: Undecided.
//
// The contract's balance is the sum of the bonds of disputes that have not ended. Callers: tasks/job opens
// disputes and asks for their verdicts; parties use the packers, readers and log decoder. The package is pure.
package dispute
