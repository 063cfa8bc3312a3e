// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Sorting in memory, three ways. Each gives a hash of the sorted numbers.
contract Sorting {
    function numbers(uint256 n) internal pure returns (uint256[] memory a) {
        a = new uint256[](n);
        uint256 x = 88172645463325252;
        for (uint256 i = 0; i < n; i++) {
            unchecked {
                x ^= x << 13;
                x ^= (x & 0xffffffffffffffff) >> 7;
                x ^= x << 17;
            }
            a[i] = x & 0xffffffff;
        }
    }

    function quick(uint256 n) external pure returns (bytes32) {
        uint256[] memory a = numbers(n);
        quickRange(a, 0, int256(n) - 1);
        return keccak256(abi.encodePacked(a));
    }

    function quickRange(uint256[] memory a, int256 left, int256 right) internal pure {
        if (left >= right) return;
        int256 i = left;
        int256 j = right;
        uint256 pivot = a[uint256(left + (right - left) / 2)];
        while (i <= j) {
            while (a[uint256(i)] < pivot) i++;
            while (pivot < a[uint256(j)]) j--;
            if (i <= j) {
                (a[uint256(i)], a[uint256(j)]) = (a[uint256(j)], a[uint256(i)]);
                i++;
                j--;
            }
        }
        quickRange(a, left, j);
        quickRange(a, i, right);
    }

    function insertion(uint256 n) external pure returns (bytes32) {
        uint256[] memory a = numbers(n);
        for (uint256 i = 1; i < n; i++) {
            uint256 x = a[i];
            uint256 j = i;
            for (; j > 0 && a[j - 1] > x; j--) {
                a[j] = a[j - 1];
            }
            a[j] = x;
        }
        return keccak256(abi.encodePacked(a));
    }

    function heap(uint256 n) external pure returns (bytes32) {
        uint256[] memory a = numbers(n);
        for (uint256 i = n / 2; i > 0; i--) {
            sift(a, i - 1, n);
        }
        for (uint256 end = n - 1; end > 0; end--) {
            (a[0], a[end]) = (a[end], a[0]);
            sift(a, 0, end);
        }
        return keccak256(abi.encodePacked(a));
    }

    function sift(uint256[] memory a, uint256 i, uint256 n) internal pure {
        while (2 * i + 1 < n) {
            uint256 child = 2 * i + 1;
            if (child + 1 < n && a[child + 1] > a[child]) child++;
            if (a[i] >= a[child]) return;
            (a[i], a[child]) = (a[child], a[i]);
            i = child;
        }
    }
}
