// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Validators, their stakes and service bonds. System contract at 0x000000000000000000000000000000000000A100.
interface IStake {
    event ServiceBondAdded(address indexed validator, uint256 amount, uint256 bond);
    event ServiceBondSlashed(address indexed validator, uint256 amount, uint256 bond);

    function validatorCount() external view returns (uint64);
    function validator(uint64 index)
        external
        view
        returns (
            address account,
            bytes32 voteKey,
            bytes memory vrfKey,
            uint256 stake,
            uint256 serviceBond,
            string memory name
        );
    function indexOf(address account) external view returns (uint64 index, bool found);

    /// Adds the call's value to a validator's service bond.
    function topUpServiceBond(address validator) external payable;
}
