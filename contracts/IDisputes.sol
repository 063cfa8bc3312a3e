// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Disputes about runs of networks, down to one tile. System contract at 0x000000000000000000000000000000000000A104.
/// Phases: 0 missing, 1 answering, 2 entries, 3 showing, 4 judging, 5 expanding, 6 tiles, 7 feeding, 8 ended.
/// Kinds of models: 1 network, 2 pipeline, 3 language model.
/// Verdicts: 0 none, 1 the defender stands, 2 the defender is wrong, 3 both are wrong, 4 undecided.
/// Disputes are opened by IJobs.challenge.
interface IDisputes {
    event DisputeOpened(
        uint64 indexed dispute,
        address indexed defender,
        address indexed challenger,
        bytes32 model,
        bytes32 receipt,
        uint64 deadlineMs
    );
    event DisputeAnswered(uint64 indexed dispute, bytes32 receipt);
    event DisputeNarrowed(uint64 indexed dispute, uint8 phase, uint8 level, uint64 place);
    event EntryShown(uint64 indexed dispute, address indexed party, bytes entry);
    event DisputeJudged(uint64 indexed dispute, uint64 entry, uint64 tiles);
    event DisputeDeepened(uint64 indexed dispute, uint8 depth, uint64 entry, uint64 entries);
    event DisputeStepped(uint64 indexed dispute, uint32 steps, uint64 position);
    event DisputeEnded(uint64 indexed dispute, uint8 verdict, uint16 rounds, uint32 steps);

    /// The defender names its receipt and shows that its result follows from it.
    function answer(
        uint64 dispute,
        uint8 kind,
        bytes calldata result,
        bytes32 receipt,
        bytes calldata head,
        bytes32[] calldata inModel,
        bytes[] calldata entries,
        uint64[] calldata places,
        bytes32[] calldata proof
    ) external;

    /// A party shows the children of its node.
    function split(uint64 dispute, bytes32 left, bytes32 right) external;

    /// A party shows the entry behind its leaf.
    function show(uint64 dispute, bytes calldata entry) external;

    /// Anybody shows the operator, its weights, and the agreed entries that hold its operands.
    function judge(
        uint64 dispute,
        uint8 receiptOf,
        bytes calldata defenders,
        bytes calldata challengers,
        bytes calldata scope,
        bytes[] calldata parts,
        uint64[] calldata partPlaces,
        bytes32[] calldata partProof,
        bytes[] calldata entries,
        uint64[] calldata places,
        bytes32[] calldata proof,
        bytes[] calldata parameters
    ) external;

    /// A party names its receipt of what a composite operator stands for, and shows that the operator's outputs follow from it.
    function expand(
        uint64 dispute,
        bytes calldata theCase,
        bytes calldata entry,
        bytes32 receipt,
        bytes[] calldata entries,
        uint64[] calldata places,
        bytes32[] calldata proof
    ) external;

    /// Anybody shows the steps of a pipeline in which the parties differ, and which network the role stands for.
    function stage(
        uint64 dispute,
        bytes calldata defenders,
        bytes calldata challengers,
        bytes calldata role,
        uint64 place,
        uint64 leaves,
        bytes32[] calldata proof
    ) external;

    /// A party names its receipt of the step's network, and shows that the step's inputs and outputs are those of it.
    function rerun(
        uint64 dispute,
        bytes calldata step,
        bytes32 receipt,
        bytes calldata head,
        bytes32[] calldata inModel,
        bytes[] calldata entries,
        uint64[] calldata places,
        bytes32[] calldata proof
    ) external;

    /// Anybody makes the next step of the tile with the tiles of operands that it reads.
    function step(
        uint64 dispute,
        bytes calldata theCase,
        bytes calldata state,
        bytes[] calldata tiles,
        uint64[] calldata sizes,
        bytes32[] calldata proof
    ) external;

    /// Ends a dispute whose time is over.
    function poke(uint64 dispute) external;

    function disputeOf(uint64 dispute)
        external
        view
        returns (
            uint8 phase,
            uint8 verdict,
            address defender,
            address challenger,
            uint256 bond,
            bytes32 model,
            bytes32 defenderReceipt,
            bytes32 challengerReceipt,
            uint64 deadlineMs,
            uint64 entry,
            uint8 level,
            uint64 place,
            uint8 kind,
            uint8 depth
        );
    function disputeCount() external view returns (uint64);
}
