// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Moves bytes about: strings joined, bytes turned into text, words copied one by one and as a whole.
contract Copying {
    bytes16 constant DIGITS = "0123456789abcdef";

    function join(uint256 n) external pure returns (bytes32) {
        bytes memory all;
        for (uint256 i = 0; i < n; i++) {
            all = bytes.concat(all, "-", bytes32(i));
        }
        return keccak256(all);
    }

    function hexadecimal(uint256 n) external pure returns (bytes32) {
        bytes memory text = new bytes(2 * n);
        for (uint256 i = 0; i < n; i++) {
            text[2 * i] = DIGITS[(i >> 4) & 15];
            text[2 * i + 1] = DIGITS[i & 15];
        }
        return keccak256(text);
    }

    function words(uint256 n) external pure returns (bytes32 h) {
        uint256[] memory from = new uint256[](256);
        uint256[] memory to = new uint256[](256);
        for (uint256 i = 0; i < 256; i++) {
            from[i] = i;
        }
        for (uint256 i = 0; i < n; i++) {
            for (uint256 j = 0; j < 256; j++) {
                to[j] = from[255 - j];
            }
            (from, to) = (to, from);
        }
        return keccak256(abi.encodePacked(from));
    }

    function whole(uint256 n) external pure returns (bytes32 h) {
        bytes memory from = new bytes(4096);
        bytes memory to = new bytes(4096);
        assembly {
            for { let i := 0 } lt(i, n) { i := add(i, 1) } {
                mstore(add(from, add(32, mul(32, and(i, 63)))), i)
                mcopy(add(to, 32), add(from, 32), 4096)
                calldatacopy(add(to, 32), 0, 1024)
            }
        }
        return keccak256(to);
    }
}
