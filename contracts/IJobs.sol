// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Jobs of machine work. System contract at 0x000000000000000000000000000000000000A103.
/// Job states: 0 missing, 1 filling, 2 open, 3 closing, 4 closed, 5 cancelled.
/// Batch states: 0 waiting, 1 drawing, 2 assigned, 3 committed, 4 auditing, 5 opening, 6 revealing, 7 settled, 8 void, 9 disputed.
/// Verdicts: 0 none, 1 passed, 2 wrong, 3 unopened, 4 missed.
/// An output's first byte is 0 before a result, or the fault of the input: 1 too large, 2 not canonical,
/// 3 truncated, 4 wrong shape; or 0x80 before the id (32 bytes) and size (4 bytes) of the blob that holds a long result.
interface IJobs {
    event JobCreated(
        uint64 indexed job,
        address indexed requester,
        bytes32 model,
        uint32 items,
        uint16 batches,
        uint256 price,
        uint256 funded,
        uint64 deadlineMs
    );
    event BatchAssigned(uint64 indexed job, uint32 indexed batch, address indexed worker, uint8 attempt, uint64 leaseMs, uint32 auditPpm);
    event BatchReleased(uint64 indexed job, uint32 indexed batch, address indexed worker, uint256 fine, uint8 reason);
    event BatchCommitted(uint64 indexed job, uint32 indexed batch, address indexed worker, bytes32 root);
    event AuditDrawn(uint64 indexed job, uint32 indexed batch, uint64 sample, uint64 deadlineMs, address[] auditors);
    event AuditCommitted(uint64 indexed job, uint32 indexed batch, address indexed auditor);
    event BatchOpened(uint64 indexed job, uint32 indexed batch, address indexed worker, bytes32 salt, bytes[] outputs);
    event AuditRevealed(uint64 indexed job, uint32 indexed batch, address indexed auditor, bool agrees);
    event WorkerSlashed(uint64 indexed job, uint32 indexed batch, address indexed worker, uint256 amount);
    event AuditorSlashed(uint64 indexed job, uint32 indexed batch, address indexed auditor, uint256 amount);
    event AuditorPaid(uint64 indexed job, uint32 indexed batch, address indexed auditor, uint256 amount);
    event BatchJudged(uint64 indexed job, uint32 indexed batch, address indexed worker, uint8 verdict);
    event WorkerPaid(uint64 indexed job, uint32 indexed batch, address indexed worker, address payout, uint256 amount);
    event BatchEnded(uint64 indexed job, uint32 indexed batch, bool accepted);
    event JobClosing(uint64 indexed job);
    event JobClosed(
        uint64 indexed job,
        address indexed requester,
        uint256 refund,
        uint256 paidWorkers,
        uint256 paidAuditors,
        uint256 fees,
        uint256 tips
    );

    event BatchDisputed(uint64 indexed job, uint32 indexed batch, address indexed challenger, uint64 dispute, uint32 item);
    event ChallengerPaid(uint64 indexed job, uint32 indexed batch, address indexed challenger, uint256 amount);

    /// A second worker was drawn beside one that is late; whoever commits first does the batch, the other is dropped.
    event BatchHedged(uint64 indexed job, uint32 indexed batch, address indexed worker, uint64 leaseMs, uint32 auditPpm);
    event BatchDropped(uint64 indexed job, uint32 indexed batch, address indexed worker);

    /// Creates and funds a job; the call's value is the escrow, at least what quote says. originals holds
    /// the SHA-256 of the files that the inputs were made from, or nothing. Zero for panel, lifeMs
    /// or batchItems means the chain's default; zero for auditPpm lets the share follow from price and worker (batchOf).
    /// A price below the model's posted price (priceOf) is refused.
    function createJob(
        bytes32 model,
        bytes32[] calldata items,
        bytes32[] calldata originals,
        uint32 itemCount,
        uint256 price,
        uint32 auditPpm,
        uint8 panel,
        uint64 lifeMs,
        uint16 batchItems,
        bool isPrivate
    ) external payable returns (uint64 job);

    /// Names the next items of a job that was created with more items than one call can name.
    function addItems(uint64 job, bytes32[] calldata items, bytes32[] calldata originals) external;

    /// Before work began: everything back. After: no new assignments.
    function cancel(uint64 job) external;

    /// Does what is due at a batch; open to anyone and tipped from the escrow.
    function poke(uint64 job, uint32 batch) external;

    /// The worker's calls.
    function release(uint64 job, uint32 batch, uint8 reason) external;
    function commit(uint64 job, uint32 batch, bytes32 root, uint32 count) external;
    function open(uint64 job, uint32 batch, bytes32 salt, bytes[] calldata outputs) external;

    /// The auditors' calls.
    function auditCommit(uint64 job, uint32 batch, bytes32 attestation) external;
    function auditReveal(uint64 job, uint32 batch, bytes32 salt, bytes32[] calldata hashes) external;

    /// Disputes what a worker has opened for an item; the call's value is the bond. The arguments after item are what
    /// IDisputes.answer takes of the other party.
    function challenge(
        uint64 job,
        uint32 batch,
        uint32 item,
        uint8 kind,
        bytes calldata result,
        bytes32 receipt,
        bytes calldata head,
        bytes32[] calldata inModel,
        bytes[] calldata entries,
        uint64[] calldata places,
        bytes32[] calldata proof
    ) external payable returns (uint64 dispute);

    function quote(bytes32 model, uint32 itemCount, uint256 price, uint32 auditPpm, uint8 panel, uint16 batchItems)
        external
        view
        returns (
            uint256 escrow,
            uint256 pay,
            uint256 fee,
            uint256 audits,
            uint256 tips,
            uint16 batchSize,
            uint16 batches,
            uint8 panelSize,
            uint32 sharePpm
        );

    /// The posted price of a model's items, the median of its workers' asks, how many items wait for a worker, and how many
    /// an hour its workers have measured together.
    function priceOf(bytes32 model)
        external
        view
        returns (uint256 posted, uint256 ask, uint64 waiting, uint64 capacity);
    function jobOf(uint64 job)
        external
        view
        returns (
            uint8 state,
            address requester,
            bytes32 model,
            uint32 items,
            uint32 filled,
            uint16 batchItems,
            uint16 batches,
            uint256 price,
            uint32 auditPpm,
            uint8 panel,
            uint64 deadlineMs
        );
    function moneyOf(uint64 job)
        external
        view
        returns (
            uint256 funded,
            uint256 escrow,
            uint256 paidWorkers,
            uint256 paidAuditors,
            uint256 fees,
            uint256 tips,
            uint256 refunded
        );
    function batchOf(uint64 job, uint32 batch)
        external
        view
        returns (
            uint8 state,
            uint8 verdict,
            uint8 attempt,
            uint32 first,
            uint16 count,
            address worker,
            uint64 deadlineMs,
            uint64 sample,
            bytes32 root,
            uint256 paid
        );

    /// The share of a batch's items that is audited, from when a second worker may be asked for (0: no more), the second
    /// worker, and until when its lease lasts.
    function leaseOf(uint64 job, uint32 batch)
        external
        view
        returns (uint32 auditPpm, uint64 hedgeMs, address second, uint64 secondMs);
    function itemOf(uint64 job, uint32 item)
        external
        view
        returns (
            bytes32 blob,
            bytes32 original,
            uint8 state,
            bool sampled,
            bool opened,
            bytes memory output,
            uint256 paid
        );
    function auditorsOf(uint64 job, uint32 batch)
        external
        view
        returns (address[] memory auditors, uint64 committed, uint64 revealed, uint256 paidEach);
    function jobCount() external view returns (uint64);
    function liveCount() external view returns (uint64);
    function liveAt(uint64 place) external view returns (uint64 job);
}
