// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../IJobs.sol";
import {Float32} from "./Float32.sol";

/// A bounty for a photograph that is safe to show. A sponsor names a photograph and a reward; the contract
/// orders a check of it from the network's workers. When the check is over, the submitter is owed the reward if
/// the photograph is safe, and else the sponsor has it back. Whatever the check did not cost is the sponsor's.
///
/// The way of the money: sponsor -> gate -> escrow of the job -> (rest) gate -> sponsor or submitter. The chain
/// pays the rest of an escrow by moving balance, which runs no code here: so the gate asks moneyOf how much it
/// was. Nobody trusts a server: what settle reads was computed by a worker and again by validators.
contract PhotoGate {
    IJobs private constant JOBS = IJobs(0x000000000000000000000000000000000000A103);

    // What IJobs calls these states.
    uint8 private constant JOB_CLOSED = 4;
    uint8 private constant JOB_CANCELLED = 5;
    uint8 private constant BATCH_SETTLED = 7;

    uint32 private constant EVERY_ITEM = 1_000_000; // audited share in millionths

    struct Order {
        address sponsor;
        address submitter;
        uint256 reward;
        bool settled;
    }

    /// The model that looks at photographs, and which of its classes count against one (bit i for class i).
    bytes32 public immutable model;
    uint256 public immutable badClasses;

    /// What the scores of the bad classes may add up to, in millionths.
    uint256 public immutable limit;

    mapping(uint64 job => Order) public orders;
    mapping(address account => uint256 amount) public owed;

    event Ordered(uint64 indexed job, address indexed sponsor, address indexed submitter, bytes32 photo, uint256 reward);
    event Settled(uint64 indexed job, bool safe, uint256 score);

    error RewardMissing();
    error NoSuchOrder(uint64 job);
    error NotOver(uint64 job);
    error NothingOwed();
    error PaymentRefused();

    constructor(bytes32 model_, uint256 badClasses_, uint256 limit_) {
        (model, badClasses, limit) = (model_, badClasses_, limit_);
    }

    /// What the check of one photograph can cost at most, at a price for the worker. It moves with the fee of gas:
    /// send a little more, what is not needed comes back.
    function checkCost(uint256 price) external view returns (uint256 escrow) {
        (escrow,,,,,,,,) = JOBS.quote(model, 1, price, EVERY_ITEM, 0, 1);
    }

    /// Orders the check of a photograph and pays for it with what is sent beyond the reward. photo is the id of the
    /// photograph's canonical form, under which anybody uploads it once this transaction is final; original is the
    /// SHA-256 of the file it was made from.
    function order(bytes32 photo, bytes32 original, address submitter, uint256 reward, uint256 price)
        external
        payable
        returns (uint64 job)
    {
        if (reward == 0 || msg.value <= reward) revert RewardMissing();
        bytes32[] memory items = new bytes32[](1);
        bytes32[] memory originals = new bytes32[](1);
        (items[0], originals[0]) = (photo, original);
        job = JOBS.createJob{value: msg.value - reward}(model, items, originals, 1, price, EVERY_ITEM, 0, 0, 1, false);
        orders[job] = Order(msg.sender, submitter, reward, false);
        emit Ordered(job, msg.sender, submitter, photo, reward);
    }

    /// Ends an order whose job is over. Anybody may call it.
    function settle(uint64 job) external {
        Order storage o = orders[job];
        if (o.sponsor == address(0) || o.settled) revert NoSuchOrder(job);
        (uint8 state,,,,,,,,,,) = JOBS.jobOf(job);
        if (state != JOB_CLOSED && state != JOB_CANCELLED) revert NotOver(job);
        o.settled = true;
        (bool safe, uint256 score) = verdict(job);
        (,,,,,, uint256 rest) = JOBS.moneyOf(job);
        owed[o.sponsor] += rest;
        owed[safe ? o.submitter : o.sponsor] += o.reward;
        emit Settled(job, safe, score);
    }

    /// Whether a photograph was found safe, and its score. Without a result that auditors have confirmed it was not.
    function verdict(uint64 job) public view returns (bool safe, uint256 score) {
        (,, uint8 state, bool audited, bool opened, bytes memory output,) = JOBS.itemOf(job, 0);
        // The first byte of an output is 0, or says what was wrong with the picture.
        if (state != BATCH_SETTLED || !audited || !opened || output[0] != 0) return (false, 0);
        for (uint256 i = 0; badClasses >> i != 0; i++) {
            if ((badClasses >> i) & 1 == 0) continue;
            (uint256 part, bool ok) = Float32.millionths(output, i);
            if (!ok) return (false, 0);
            score += part;
        }
        return (score < limit, score);
    }

    /// Pays out what the caller is owed.
    function withdraw() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed();
        owed[msg.sender] = 0;
        (bool paid,) = msg.sender.call{value: amount}("");
        if (!paid) revert PaymentRefused();
    }
}
