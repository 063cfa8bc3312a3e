// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Chains of hashes: Keccak-256 over one word and over many, SHA-256 through the built-in contract.
contract Hashing {
    function keccakWords(uint256 n) external pure returns (bytes32 h) {
        for (uint256 i = 0; i < n; i++) {
            h = keccak256(abi.encodePacked(h, i));
        }
    }

    function keccakBytes(uint256 n) external pure returns (bytes32 h) {
        bytes memory b = new bytes(1024);
        for (uint256 i = 0; i < n; i++) {
            h = keccak256(b);
            assembly {
                mstore(add(b, 64), h)
            }
        }
    }

    function sha(uint256 n) external pure returns (bytes32 h) {
        for (uint256 i = 0; i < n; i++) {
            h = sha256(abi.encodePacked(h, i));
        }
    }
}
