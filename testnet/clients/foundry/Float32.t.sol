// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Float32} from "aiwork/dapp/Float32.sol";

/// forge test without a network: the example application's reading of a model's numbers. The bit patterns are
/// those of IEEE 754.
contract Float32Test {
    function bitsOf(uint32 bits) private pure returns (bytes memory output) {
        output = abi.encodePacked(uint8(0), uint8(bits), uint8(bits >> 8), uint8(bits >> 16), uint8(bits >> 24));
    }

    function expect(uint32 bits, uint256 want) private pure {
        (uint256 got, bool ok) = Float32.millionths(bitsOf(bits), 0);
        require(ok && got == want, "value");
    }

    function testValues() external pure {
        expect(0x00000000, 0);
        expect(0x00000001, 0); // the least there is
        expect(0x33d6bf95, 0); // 1e-7
        expect(0x358637be, 1); // just above 1e-6
        expect(0x3e800000, 250_000);
        expect(0x3f000000, 500_000);
        expect(0x3eaaaaab, 333_333); // a third
        expect(0x3f7fffff, 999_999); // just below 1
        expect(0x3f800000, 1_000_000);
    }

    function testRefused() external pure {
        uint32[5] memory bad = [uint32(0x3f800001), 0x40000000, 0x80000001, 0x7fc00000, 0xff800000]; // above 1, 2, below 0, NaN, -infinity
        for (uint256 i = 0; i < bad.length; i++) {
            (, bool ok) = Float32.millionths(bitsOf(bad[i]), 0);
            require(!ok, "taken");
        }
        (, bool there) = Float32.millionths(bitsOf(0), 1);
        require(!there, "behind the end");
    }

    /// Order is kept: a greater number never has fewer millionths. Forge chooses the numbers.
    function testOrder(uint32 a, uint32 b) external pure {
        (a, b) = (a % 0x3f800001, b % 0x3f800001);
        if (a > b) (a, b) = (b, a);
        (uint256 low, bool first) = Float32.millionths(bitsOf(a), 0);
        (uint256 high, bool second) = Float32.millionths(bitsOf(b), 0);
        require(first && second && low <= high && high <= 1_000_000, "order");
    }
}
