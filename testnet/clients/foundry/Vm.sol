// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// The part of forge's cheat codes that these files use.
interface Vm {
    function startBroadcast(uint256 key) external;
    function stopBroadcast() external;
    function signAndAttachDelegation(address code, uint256 key) external;
    function addr(uint256 key) external pure returns (address);
    function envUint(string calldata name) external view returns (uint256);
    function envAddress(string calldata name) external view returns (address);
    function prank(address sender) external;
    function deal(address account, uint256 balance) external;
    function expectRevert(bytes calldata data) external;
}

Vm constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
