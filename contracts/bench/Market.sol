// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Token} from "bench/Token.sol";

/// A market maker with a constant product over two tokens that it makes itself. Each swap is calls into both.
contract Market {
    Token public immutable a = new Token();
    Token public immutable b = new Token();
    uint112 reserveA;
    uint112 reserveB;
    uint32 swapped;

    event Swap(address indexed trader, uint256 paid, uint256 got, bool forward);

    constructor() {
        a.mint(address(this), 1e24);
        b.mint(address(this), 2e24);
        (reserveA, reserveB) = (1e24, 2e24);
    }

    function swap(uint256 paid, bool forward) public returns (uint256 got) {
        (Token from, Token to) = forward ? (a, b) : (b, a);
        (uint256 x, uint256 y) = forward ? (reserveA, reserveB) : (reserveB, reserveA);
        from.mint(msg.sender, paid);
        from.transferFrom(msg.sender, address(this), paid);
        uint256 afterFee = paid * 997;
        got = afterFee * y / (x * 1000 + afterFee);
        require(got > 0 && to.transfer(msg.sender, got));
        (x, y) = (from.balanceOf(address(this)), to.balanceOf(address(this)));
        require(x * y >= uint256(reserveA) * reserveB);
        (reserveA, reserveB) = forward ? (uint112(x), uint112(y)) : (uint112(y), uint112(x));
        swapped++;
        emit Swap(msg.sender, paid, got, forward);
    }

    /// swaps does n swaps there and n back. The trader is this contract itself.
    function swaps(uint256 n) external returns (uint256) {
        a.approve(address(this), type(uint256).max);
        b.approve(address(this), type(uint256).max);
        for (uint256 i = 0; i < n; i++) {
            this.swap(1e18 + i, i & 1 == 0);
        }
        return swapped > 0 ? n : 0;
    }
}
