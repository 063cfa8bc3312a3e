// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Board} from "../contracts/Board.sol";
import {Coin} from "../contracts/Coin.sol";
import {Deed} from "../contracts/Deed.sol";
import {vm} from "./Vm.sol";

/// forge test --fork-url: forge runs on a copy of the chain and fetches what it touches.
contract ForkTest {
    function testChain() external view {
        require(block.chainid == 20260, "chain id");
        require(block.number > 0 && blockhash(block.number - 1) != 0, "history");
        require(block.gaslimit == 30_000_000, "gas limit");
    }

    /// A contract that was deployed before is there with its storage, and can be changed in the copy.
    function testContract() external {
        Board board = Board(vm.envAddress("BOARD"));
        require(keccak256(bytes(board.title())) == keccak256("forge"), "title");
        uint256 before = board.count();
        address author = board.owner();
        require(author.balance > 1 ether, "balance");
        vm.prank(author);
        board.post("on the copy");
        require(board.count() == before + 1, "count");
        vm.expectRevert(abi.encodeWithSelector(Board.TooShort.selector, 2, 3));
        board.post("no");
    }

    function testTokens() external {
        Coin coin = new Coin(100);
        coin.transfer(address(0xbeef), 40);
        require(coin.balanceOf(address(this)) == 60, "coin");
        Deed deed = new Deed();
        uint256 id = deed.mint(address(0xbeef));
        require(deed.ownerOf(id) == address(0xbeef), "deed");
    }

    /// System contracts are Go code of the node: forge's own machine sees that they are there, no more.
    function testSystemContract() external view {
        require(address(0xa103).code.length > 0, "code");
    }
}
