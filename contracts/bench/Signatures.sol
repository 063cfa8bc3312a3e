// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Recovers signers.
contract Signatures {
    function recover(uint256 n) external pure returns (address last) {
        bytes32 r = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
        bytes32 s = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef;
        for (uint256 i = 0; i < n; i++) {
            bytes32 digest = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", last, i));
            last = ecrecover(digest, uint8(27 + (i & 1)), r, s);
        }
    }
}
