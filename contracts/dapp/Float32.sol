// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Reads the numbers in a model's output: IEEE 754 single precision, little-endian, one after the other behind
/// the output's first byte.
library Float32 {
    /// The i-th number in millionths, rounded down, if it lies between 0 and 1; ok is false for anything else.
    function millionths(bytes memory output, uint256 i) internal pure returns (uint256 value, bool ok) {
        uint256 place = 1 + 4 * i;
        if (output.length < place + 4) return (0, false);
        uint256 bits = uint256(uint8(output[place])) | (uint256(uint8(output[place + 1])) << 8)
            | (uint256(uint8(output[place + 2])) << 16) | (uint256(uint8(output[place + 3])) << 24);
        uint256 exponent = bits >> 23; // with the sign, which is 0 for what is not negative
        uint256 mantissa = bits & 0x7fffff;
        if (exponent > 127 || (exponent == 127 && mantissa != 0)) return (0, false); // above 1, negative, or no number
        if (exponent < 64) return (0, true); // far below a millionth
        return (((mantissa | 0x800000) * 1_000_000) >> (150 - exponent), true);
    }
}
