// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// An append-only Merkle tree in storage, and one in memory.
contract MerkleTree {
    uint256 constant DEPTH = 16;
    bytes32[DEPTH] filled;
    uint256 count;

    function append(bytes32 leaf) public returns (bytes32 root) {
        root = leaf;
        uint256 index = count++;
        for (uint256 level = 0; level < DEPTH; level++) {
            if (index & 1 == 0) {
                filled[level] = root;
                root = keccak256(abi.encodePacked(root, bytes32(0)));
            } else {
                root = keccak256(abi.encodePacked(filled[level], root));
            }
            index >>= 1;
        }
    }

    /// appends fills an empty tree with n leaves.
    function appends(uint256 n) external returns (bytes32 root) {
        count = 0;
        for (uint256 i = 0; i < n; i++) {
            root = append(keccak256(abi.encode(i)));
        }
    }

    /// build hashes a tree over 2^depth leaves in memory.
    function build(uint256 depth) external pure returns (bytes32) {
        uint256 n = 1 << depth;
        bytes32[] memory nodes = new bytes32[](n);
        for (uint256 i = 0; i < n; i++) {
            nodes[i] = keccak256(abi.encode(i));
        }
        for (; n > 1; n >>= 1) {
            for (uint256 i = 0; i < n; i += 2) {
                nodes[i >> 1] = keccak256(abi.encodePacked(nodes[i], nodes[i + 1]));
            }
        }
        return nodes[0];
    }
}
