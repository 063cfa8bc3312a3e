// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// What the tests of clients call: storage, events with indexed values, money, and every kind of revert.
contract Board {
    event Posted(uint256 indexed id, address indexed author, string text);

    error TooShort(uint256 have, uint256 need);

    address public immutable owner;
    string public title;
    uint256 public count;
    mapping(uint256 id => string text) public posts;
    mapping(address author => uint256 posts) public postsOf;

    constructor(string memory title_) payable {
        owner = msg.sender;
        title = title_;
    }

    function post(string calldata text) external payable returns (uint256 id) {
        if (bytes(text).length < 3) revert TooShort(bytes(text).length, 3);
        id = ++count;
        posts[id] = text;
        postsOf[msg.sender]++;
        emit Posted(id, msg.sender, text);
    }

    /// Two frames in one transaction, the inner one with value, for traces.
    function postTwice(string calldata text) external payable {
        this.post{value: msg.value}(text);
        this.post(text);
    }

    function refuse(string calldata reason) external pure {
        require(bytes(reason).length == 0, reason);
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    /// The hash that the chain's history contract has for an earlier block.
    function hashOf(uint256 height) external view returns (bytes32) {
        return blockhash(height);
    }

    function balance() external view returns (uint256) {
        return address(this).balance;
    }
}
