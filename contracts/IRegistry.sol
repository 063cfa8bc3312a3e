// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Compute workers and their bonds. System contract at 0x000000000000000000000000000000000000a102.
/// Worker states: 0 unknown, 1 active, 2 draining, 3 suspended, 4 leaving.
interface IRegistry {
    event WorkerRegistered(address indexed worker, address payout, uint256 bond);
    event BondAdded(address indexed worker, uint256 amount, uint256 bond);
    event ModelsChanged(address indexed worker);
    event OffersChanged(address indexed worker);

    /// The record of what a worker has measured; hash is its SHA-256.
    event CapabilityShown(address indexed worker, bytes32 hash, bytes record);
    event WorkerStateChanged(address indexed worker, uint8 state);
    event BondWithdrawn(address indexed worker, uint256 amount);
    event WorkerSlashed(address indexed worker, uint256 amount, uint256 bond);
    event LeaseMissed(address indexed worker, uint256 amount, uint256 bond);

    /// Registers the caller; the call's value is its bond.
    function register(address payout, bytes32[] calldata models, string calldata about) external payable;
    function addBond() external payable;
    function setModels(bytes32[] calldata models) external;

    /// For models that the caller serves: how many items it does in an hour (0: not measured), and the least price of an item
    /// that it works for, rounded up to the grid; and the record of its measurement, or nothing.
    function offer(bytes32[] calldata models, uint64[] calldata speeds, uint256[] calldata asks, bytes calldata record) external;

    /// No new work for the caller; resume takes it back, and ends a suspension.
    function drain() external;
    function resume() external;

    /// Brings a worker's weight in draws up to its bond.
    function refresh(address worker) external;

    /// Leaving: the bond can be withdrawn when the unbonding time is over.
    function unregister() external;
    function withdrawBond() external;

    function worker(address account)
        external
        view
        returns (
            uint8 state,
            address payout,
            uint256 bond,
            uint256 exposure,
            uint256 lost,
            uint64 unbondMs,
            uint32 slashes,
            uint32 misses,
            string memory about
        );
    function workerCount() external view returns (uint64);
    function workerAt(uint64 place) external view returns (address);
    function modelsOf(address worker) external view returns (bytes32[] memory);

    /// How many active workers serve a model.
    function servers(bytes32 model) external view returns (uint64);
    function offerOf(address worker, bytes32 model) external view returns (bool serves, uint32 speed, uint256 ask);

    /// The active workers that serve a model, their items an hour, and the median of their asks by weight.
    function marketOf(bytes32 model)
        external
        view
        returns (uint64 servers, uint64 capacity, uint64 weight, uint256 ask);

    /// Batches passed since a worker was found wrong last, batches that others did first, its score (1024 is full), its open
    /// leases and the milliseconds that they take by its word.
    function standingOf(address worker)
        external
        view
        returns (uint32 passed, uint32 late, uint16 score, uint64 leases, uint64 backlogMs);

    /// SHA-256 of a worker's last capability record, and the height of the block whose logs hold it.
    function capabilityOf(address worker) external view returns (bytes32 hash, uint64 height);
}
