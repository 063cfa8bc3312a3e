// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Loops over numbers: small and 256 bits wide, checked and unchecked.
contract Numbers {
    /// sum adds and multiplies small numbers with checks for overflow.
    function sum(uint256 n) external pure returns (uint256 total) {
        for (uint256 i = 0; i < n; i++) {
            total += i * i + 3 * i + 7;
        }
    }

    /// wide works on numbers of 256 bits: products, quotients, remainders, powers.
    function wide(uint256 n) external pure returns (uint256 x) {
        uint256 p = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
        x = 0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff01;
        unchecked {
            for (uint256 i = 1; i <= n; i++) {
                x = mulmod(x, x, p);
                x = addmod(x, p - i, p);
                x ^= x / (i << 96) + x % (p >> 64) + x * i;
                x += 3 ** (i & 63);
            }
        }
    }

    /// sieve counts the primes below n.
    function sieve(uint256 n) external pure returns (uint256 count) {
        bool[] memory composite = new bool[](n);
        for (uint256 i = 2; i < n; i++) {
            if (composite[i]) continue;
            count++;
            for (uint256 j = i * i; j < n; j += i) {
                composite[j] = true;
            }
        }
    }

    /// mandelbrot counts the steps over a grid of n by n points, in signed fixed point.
    function mandelbrot(uint256 n) external pure returns (uint256 steps) {
        unchecked {
            for (uint256 py = 0; py < n; py++) {
                for (uint256 px = 0; px < n; px++) {
                    int256 cx = int256((px * 3 << 32) / n) - (2 << 32);
                    int256 cy = int256((py * 2 << 32) / n) - (1 << 32);
                    int256 x = 0;
                    int256 y = 0;
                    for (uint256 i = 0; i < 50; i++) {
                        int256 xx = (x * x) >> 32;
                        int256 yy = (y * y) >> 32;
                        if (xx + yy > 4 << 32) break;
                        y = ((x * y) >> 31) + cy;
                        x = xx - yy + cx;
                        steps++;
                    }
                }
            }
        }
    }
}
