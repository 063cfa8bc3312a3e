// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// The code that an account delegates to (EIP-7702): several calls in one transaction, for its owner only.
contract Batcher {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    error NotOwner();

    function execute(Call[] calldata calls) external payable {
        if (msg.sender != address(this)) revert NotOwner();
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory answer) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            if (!ok) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }

    receive() external payable {}
}
