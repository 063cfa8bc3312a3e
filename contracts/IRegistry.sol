// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Compute workers and their bonds. System contract at 0x000000000000000000000000000000000000a102.
/// Worker states: 0 unknown, 1 active, 2 draining, 3 suspended, 4 leaving.
interface IRegistry {
    event WorkerRegistered(address indexed worker, address payout, uint256 bond);
    event BondAdded(address indexed worker, uint256 amount, uint256 bond);
    event ModelsChanged(address indexed worker);
    event WorkerStateChanged(address indexed worker, uint8 state);
    event BondWithdrawn(address indexed worker, uint256 amount);
    event WorkerSlashed(address indexed worker, uint256 amount, uint256 bond);
    event LeaseMissed(address indexed worker, uint256 amount, uint256 bond);

    /// Registers the caller; the call's value is its bond.
    function register(address payout, bytes32[] calldata models, string calldata about) external payable;
    function addBond() external payable;
    function setModels(bytes32[] calldata models) external;

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
}
