// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Batcher} from "../contracts/Batcher.sol";
import {Board} from "../contracts/Board.sol";
import {Coin} from "../contracts/Coin.sol";
import {vm} from "./Vm.sol";

/// forge script --broadcast: two contracts and some calls.
contract Deploy {
    function run() external {
        vm.startBroadcast(vm.envUint("KEY"));
        Board board = new Board("script");
        Coin coin = new Coin(1000);
        coin.transfer(address(board), 30);
        board.post{value: 5}("from a script");
        vm.stopBroadcast();
        require(board.count() == 1 && coin.balanceOf(address(board)) == 30);
    }
}

/// The same with a delegation (EIP-7702) in the transaction.
contract Delegate {
    function run() external {
        uint256 key = vm.envUint("KEY");
        address owner = vm.addr(key);
        vm.startBroadcast(key);
        Batcher code = new Batcher();
        Batcher.Call[] memory calls = new Batcher.Call[](1);
        calls[0] = Batcher.Call(address(0xf0463e), 11, "");
        vm.signAndAttachDelegation(address(code), key);
        Batcher(payable(owner)).execute(calls);
        vm.stopBroadcast();
    }
}
