// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// An ERC-20 token. The benchmarks drive its loops, so that one transaction does many of the same thing.
contract Token {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public totalSupply;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error Missing(uint256 have, uint256 want);

    function mint(address to, uint256 value) public {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) public returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) public returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) public returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert Missing(allowed, value);
        allowance[from][msg.sender] = allowed - value;
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) internal {
        uint256 have = balanceOf[from];
        if (have < value) revert Missing(have, value);
        balanceOf[from] = have - value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }

    function who(uint256 i) internal pure returns (address) {
        return address(uint160((0xabcdef << 136) + i));
    }

    function mints(uint256 n) external returns (uint256) {
        for (uint256 i = 0; i < n; i++) {
            mint(who(i & 63), i + 1);
        }
        return n;
    }

    function transfers(uint256 n) external returns (uint256) {
        mint(msg.sender, n * n);
        for (uint256 i = 0; i < n; i++) {
            transfer(who(i & 63), i + 1);
        }
        return n;
    }

    function approvals(uint256 n) external returns (uint256) {
        for (uint256 i = 0; i < n; i++) {
            approve(who(i & 63), i + 1);
        }
        return allowance[msg.sender][who(0)];
    }
}
